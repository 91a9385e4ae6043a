// SPDX-License-Identifier: Apache-2.0
// The whole check, two sections at a time: the whole-system tests, which wait for processes most of their time, beside
// the static checks and the unit tests, and then the unit tests on two Nodes beside each other. A section's report comes
// when it ends; after a failure no further one begins. Then come the claims of group ci, those that name tests from the
// results of this run; after a failure only the claims whose tests failed. The last line is `N passed, N failed`.
// --static: the static checks only; --unit: the unit tests only; --system: the whole-system tests only; --ledger KIND: the ledger that they run against (embedded, fabric, fabric-bft, test-network).
// GRIDVEIL_TEST_NODES (for CI): exact Node versions, separated by blanks, that run the unit tests.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkClaims, isTestOf, loadClaims, resultLine } from './claim-runner.mjs';
import { build, npm, ROOT, run } from './prepare.mjs';

let options;
try {
  const flag = { type: 'boolean' };
  options = parseArgs({ options: { static: flag, unit: flag, system: flag, ledger: { type: 'string' } } }).values;
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
if (options.ledger !== undefined) process.env.GRIDVEIL_LEDGER = options.ledger;

const bin = (name) => join(ROOT, 'node_modules', name);
const scratch = mkdtempSync(join(tmpdir(), 'gridveil-test-'));
const colours = process.stdout.isTTY ? ['--color'] : [];
let runs = 0;
const total = { passed: 0, failed: [], skipped: [] };
/** Every test that ran, for the claims. */
const recorded = [];

/** One check that passes or fails as a whole. A section is a function of its name and the file that takes its report. */
const check =
  (command, ...args) =>
  async (name, report) => {
    const ok = (await run(command, args, { stdio: ['ignore', report, report] })) === 0;
    if (ok) total.passed++;
    else total.failed.push(name);
    return ok;
  };

/** Mocha over compiled tests; its counts come back through a file. */
const mocha =
  (node, ...args) =>
  async (name, report) => {
    const counts = join(scratch, `counts-${++runs}`);
    const reporter = join(ROOT, 'scripts', 'test-reporter.cjs');
    const code = await run(
      node,
      ['--enable-source-maps', bin('mocha/bin/mocha.js'), '--reporter', reporter, ...colours, ...args],
      {
        env: { ...process.env, GRIDVEIL_TEST_COUNTS: counts },
        stdio: ['ignore', report, report],
      },
    );
    const { passed, failed, skipped, tests } = readCounts(counts);
    recorded.push(...tests);
    total.passed += passed;
    total.failed.push(...failed.map((failure) => `${name}: ${failure}`));
    total.skipped.push(...skipped);
    if (code !== 0 && failed.length === 0) total.failed.push(`${name}: ended with code ${code}`); // could not be loaded
    return code === 0;
  };

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: ['it did not come to its end'], skipped: [], tests: [] };
  }
}

/** Another Node from npm's `node` package, in a folder of its own; undefined when it cannot be had here. */
async function otherNode(version) {
  const directory = join(scratch, `node-${version}`);
  const [command, args] = npm(
    'install',
    '--prefix',
    directory,
    '--no-save',
    '--no-audit',
    '--no-fund',
    `node@${version}`,
  );
  const code = await run(command, args, { cwd: scratch, stdio: 'ignore' }).catch(() => 1);
  const node = join(directory, 'node_modules', 'node', 'bin', 'node');
  return code === 0 && (await run(node, ['--version'], { stdio: 'ignore' }).catch(() => 1)) === 0 ? node : undefined;
}

const SYSTEM_TESTS = ['dist/test/ledger/**/*.test.js', 'dist/test/system/**/*.test.js'];
const CHAINCODE_TESTS = 'dist/chaincode/**/*.test.js';
/** The chaincode's tests in a process of their own: its own copy of Fabric's messages would take the place of ours. */
const unit = (node) => async (name, report) => {
  const ignored = [CHAINCODE_TESTS, ...SYSTEM_TESTS].flatMap((pattern) => ['--ignore', pattern]);
  return (
    (await mocha(node, 'dist/**/*.test.js', ...ignored)(name, report)) &&
    (await mocha(node, CHAINCODE_TESTS)(name, report))
  );
};

const chosen = ['static', 'unit', 'system'].filter((part) => options[part]);
const isWanted = (part) => chosen.length === 0 || chosen.includes(part);

async function* sections() {
  if (isWanted('system')) yield ['whole system', mocha(process.execPath, '--timeout', '120000', ...SYSTEM_TESTS)];
  if (isWanted('static')) {
    yield ['lint', check(process.execPath, bin('eslint/bin/eslint.js'), '--max-warnings=0', '.')];
    yield ['licence headers', check(process.execPath, 'scripts/check-headers.mjs')];
    yield ['format', check(process.execPath, bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.')];
  }
  if (!isWanted('unit')) return;
  const versions = (process.env.GRIDVEIL_TEST_NODES ?? '').split(/\s+/).filter(Boolean);
  let ran = false;
  for (const version of versions) {
    const node = await otherNode(version);
    if (node === undefined) {
      total.skipped.push(`unit tests on Node ${version}: it cannot be installed here`);
      continue;
    }
    ran = true;
    yield [`unit tests, Node ${version}`, unit(node)];
  }
  if (!ran) yield [`unit tests, this machine's Node ${process.versions.node}`, unit(process.execPath)];
}

/** The claims of group ci, or after a failure those whose tests failed. */
async function claims(ofGroup) {
  const hasFailed = (claim) => recorded.some((test) => test.state === 'failed' && isTestOf(claim, test));
  const selected = failed ? ofGroup.filter(hasFailed) : ofGroup;
  if (selected.length > 0) heading('claims');
  for await (const result of checkClaims(selected, recorded)) {
    const { claim, status, reason } = result;
    process.stdout.write(`${resultLine(result)}\n`);
    if (status === 'ok') total.passed++;
    else if (status === 'SKIPPED') total.skipped.push(`claim ${claim.id}: ${reason}`);
    else total.failed.push(`claim ${claim.id}: ${reason}`);
  }
  if (total.failed.length > 0) failed = true;
}

const started = performance.now();
const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;
const running = new Set();
let failed = false;

/** Takes one section after the other from the queue, until one fails here or elsewhere. */
async function worker(queue) {
  for await (const [name, section] of queue) {
    if (failed) return;
    running.add(name);
    const file = join(scratch, `report-${++runs}`);
    const report = openSync(file, 'w');
    const ok = await section(name, report).catch((error) => {
      total.failed.push(`${name}: ${error.message}`);
      return false;
    });
    closeSync(report);
    running.delete(name);
    clearLine();
    heading(name);
    process.stdout.write(readFileSync(file));
    if (ok) continue;
    process.stdout.write(`\n${name}: failed; nothing further is begun\n`);
    failed = true;
  }
}

const heading = (name) =>
  process.stdout.write(`\n── ${name} (${seconds()}) ${'─'.repeat(Math.max(0, 60 - name.length))}\n`);
const clearLine = () => process.stdout.isTTY && process.stdout.write('\r\x1b[K');
const ticker = process.stdout.isTTY
  ? setInterval(() => process.stdout.write(`\r\x1b[K${seconds()}: ${[...running].join('; ')} …`), 1000)
  : undefined;
try {
  const claimsOfCi = loadClaims().filter(({ group }) => group === 'ci');
  await build(); // what all sections load
  total.passed++;
  const queue = sections();
  await Promise.all([worker(queue), worker(queue)]);
  clearLine();
  if (chosen.length === 0) await claims(claimsOfCi);
} catch (error) {
  total.failed.push(error.message);
  failed = true;
} finally {
  clearInterval(ticker);
  clearLine();
  rmSync(scratch, { recursive: true, force: true });
}
if (failed) process.exitCode = 1;
for (const name of total.skipped) process.stdout.write(`skipped: ${name}\n`);
for (const failure of total.failed) process.stdout.write(`failed: ${failure}\n`);
const skipped = total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : '';
process.stdout.write(`\nfinished in ${seconds()}\n${total.passed} passed, ${total.failed.length} failed${skipped}\n`);
