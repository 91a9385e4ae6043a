// SPDX-License-Identifier: Apache-2.0
// `node test/mutants/run.mjs [NAME …]`: each `test/mutants/<name>.patch` undoes one mend. All are tried in one copy of
// the project, which is built for each of them by what has changed; the test that the patch names must pass without it
// and fail with it. Before its first diff a patch has the lines `Test: dist/….test.js` and `Grep: REGULAR EXPRESSION`.
// The last line of stdout is a JSON object for the claim.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const LINKED = ['node_modules', join('chaincode', 'node_modules')];
const OUTPUT = ['dist', join('chaincode', 'build')];
const MOST_SECONDS_A_TEST = 240;

const copy = mkdtempSync(join(tmpdir(), 'gridveil-mutants-'));
const inCopy = (command, ...args) => spawnSync(command, args, { cwd: copy, encoding: 'utf8' });
const build = () => inCopy(process.execPath, join('scripts', 'build.mjs')).status === 0;

function makeCopy() {
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of stdout.split('\0').filter((file) => file !== '' && existsSync(join(ROOT, file)))) {
    cpSync(join(ROOT, file), join(copy, file));
  }
  for (const folder of OUTPUT)
    cpSync(join(ROOT, folder), join(copy, folder), { recursive: true, verbatimSymlinks: true });
  for (const folder of LINKED) {
    mkdirSync(dirname(join(copy, folder)), { recursive: true });
    symlinkSync(join(ROOT, folder), join(copy, folder), 'dir');
  }
}

/** The mutants and their tests. @throws Error for a patch that names no test */
function mutants(names) {
  const all = readdirSync(HERE).flatMap((file) => /^(.*)\.patch$/.exec(file)?.[1] ?? []);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`no such mutant: ${unknown.join(', ')}`);
  return all
    .filter((name) => names.length === 0 || names.includes(name))
    .map((name) => {
      const text = readFileSync(join(HERE, `${name}.patch`), 'utf8');
      const [test, grep] = ['Test', 'Grep'].map((field) => new RegExp(`^${field}: (.+)$`, 'm').exec(text)?.[1]);
      if (test === undefined || grep === undefined) throw new Error(`${name}.patch names no test`);
      return { name, file: join(HERE, `${name}.patch`), test, grep };
    });
}

/** `passed`, with at least one test that ran, `failed`, or `hung`: a test that neither passes nor fails shows nothing. */
function outcome({ test, grep }) {
  const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
  const args = [mocha, '--bail', '--exit', '--timeout', '120000', '--grep', grep, test];
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
    timeout: MOST_SECONDS_A_TEST * 1_000,
    killSignal: 'SIGKILL',
  });
  if (status === 0 && /^\s*[1-9]\d* passing/m.test(stdout)) return 'passed';
  return /^\s*[1-9]\d* failing/m.test(stdout) ? 'failed' : 'hung';
}

/** The mutants whose test does not pass without any mutant. */
function unfit(chosen) {
  const seen = new Map();
  return new Set(
    chosen.filter((mutant) => {
      const test = `${mutant.test} ${mutant.grep}`;
      if (!seen.has(test)) seen.set(test, outcome(mutant));
      return seen.get(test) !== 'passed';
    }),
  );
}

/** Applies a mutant, builds, runs its test and takes it back. @returns why it shows nothing; undefined when it does */
function fate(mutant) {
  if (inCopy('git', 'apply', mutant.file).status !== 0) return 'it no longer applies';
  try {
    if (!build()) return 'it does not build';
    const seen = outcome(mutant);
    return { passed: 'SURVIVED: its test passes with it', hung: 'its test does not come to its end' }[seen];
  } finally {
    inCopy('git', 'apply', '--reverse', mutant.file);
  }
}

try {
  const chosen = mutants(process.argv.slice(2));
  makeCopy();
  if (!build()) throw new Error('the copy does not build');
  const broken = unfit(chosen);
  const faults = chosen.flatMap((mutant) => {
    const fault = broken.has(mutant) ? 'its test fails without it, or has no such title' : fate(mutant);
    console.log(`${mutant.name}: ${fault ?? 'its test fails, as it must'}`);
    return fault === undefined ? [] : [`${mutant.name}: ${fault}`];
  });
  console.log(JSON.stringify({ mutants: chosen.length, faults: faults.length }));
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(`mutants: ${error.message}`);
  process.exitCode = 2;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
