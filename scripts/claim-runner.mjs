// SPDX-License-Identifier: Apache-2.0
// Claims: sentences about the project, each with a command or a test that shows it and the bound that its figure keeps.
// The format of claims/*.json is described in docs/DEVELOP.md.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { ROOT } from './prepare.mjs';

export const GROUPS = ['ci', 'long', 'fabric', 'browser'];

const INTERRUPTED = 130;
/** Between asking a command to end and killing it: a demo stops its processes in this time. */
const GRACE_MILLISECONDS = 10_000;

const BOUND = /^(<=|<|==|>|>=) (-?\d+(?:\.\d+)?)$/;
const VARIABLE = /^[A-Z][A-Z0-9_]*$/;
const PLACEHOLDER = /\$\{(\w+)\}/g;

const COMPARE = {
  '<=': (figure, limit) => figure <= limit,
  '<': (figure, limit) => figure < limit,
  '==': (figure, limit) => figure === limit,
  '>': (figure, limit) => figure > limit,
  '>=': (figure, limit) => figure >= limit,
};

const text = z.string().regex(/\S/, 'must not be empty');
const path = z.union([text, z.array(text).min(1)], 'must be a key or a list of keys');
const CLAIM = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens'),
    sentence: text,
    group: z.enum(GROUPS),
    command: z.array(text).min(1).optional(),
    figure: path.optional(),
    per: path.optional(),
    test: z
      .string()
      .regex(/^dist\/.+\.test\.js$/, 'must be a compiled test file, dist/….test.js')
      .optional(),
    grep: text.refine(isRegularExpression, 'must be a regular expression').optional(),
    bound: z.string().regex(BOUND, 'must be a comparison such as "<= 1.5"').optional(),
    needs: z.array(text.regex(/^([A-Z][A-Z0-9_]*|[a-z][a-z0-9_.-]*)$/, 'must be a variable or a program')).optional(),
    environment: z.record(z.string().regex(VARIABLE), text).optional(),
    attack: z
      .strictObject({
        /** Who tries it, what they do, and who notices it by which evidence. */
        by: text,
        tried: text,
        noticed: text,
        /** Set where the attack succeeds and is only documented. */
        open: z.literal(true).optional(),
      })
      .optional(),
    timeoutSeconds: z.int().min(1).max(5_400).default(600), // a group `long` may take 90 minutes in all
  })
  .superRefine((claim, context) => {
    const has = (field) => claim[field] !== undefined;
    const refuse = (condition, message) => condition && context.addIssue({ code: 'custom', message });
    refuse(has('command') === has('test'), 'needs either command or test');
    refuse(has('test') && has('figure'), 'the figure of a test is the number of tests that passed');
    refuse(has('grep') && !has('test'), 'grep goes with test');
    refuse(has('command') && has('figure') !== has('bound'), 'figure and bound of a command go together');
    refuse(has('per') && !has('figure'), 'per goes with figure');
    for (const name of placeholders(claim).filter((name) => !VARIABLE.test(name) && name !== 'scratch'))
      refuse(true, `\${${name}} is neither an environment variable nor \${scratch}`);
  });

function isRegularExpression(value) {
  try {
    return new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}

function placeholders({ command = [], environment = {} }) {
  return [...command, ...Object.values(environment)].flatMap((value) =>
    [...value.matchAll(PLACEHOLDER)].map(([, name]) => name),
  );
}

/**
 * Reads and checks all claims files of a folder. A topic is a file's name; an id becomes `topic/id`.
 *
 * @throws Error with a line for each fault
 */
export function loadClaims(folder = join(ROOT, 'claims')) {
  const faults = [];
  const claims = new Map();
  const topics = readdirSync(folder).flatMap((file) => /^(.*)\.json$/.exec(file)?.[1] ?? []);
  for (const topic of topics.sort()) {
    let list;
    try {
      list = z.array(z.unknown()).parse(JSON.parse(readFileSync(join(folder, `${topic}.json`), 'utf8')));
    } catch (error) {
      faults.push(`${topic}.json: ${error instanceof SyntaxError ? error.message : 'must be a list of claims'}`);
      continue;
    }
    list.forEach((entry, index) => {
      const id = typeof entry?.id === 'string' ? `${topic}/${entry.id}` : `${topic}.json, claim ${index + 1}`;
      const { error, data } = CLAIM.safeParse(entry);
      for (const issue of error?.issues ?? []) faults.push([id, ...issue.path, issue.message].join(': '));
      if (claims.has(id)) faults.push(`${id}: the id is there twice`);
      claims.set(id, { ...data, topic, id });
    });
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return [...claims.values()];
}

const matches = ({ grep = '' }, { title }) => new RegExp(grep).test(title);
/** Whether a test of the suite, which runs without a claim's environment, is one of a claim's. */
export const isTestOf = (claim, test) =>
  claim.test === test.file && claim.environment === undefined && matches(claim, test);

/**
 * Checks claims one after the other. Claims with the same command share one run of it, and those with the same test file.
 *
 * @param recorded tests that have run already, as scripts/test-reporter.cjs reports them: tests are looked up there then
 * @yields `claim`, `status` (ok, FAILED, SKIPPED), `seconds`, and where there are `figure` and `reason`
 */
export async function* checkClaims(claims, recorded) {
  const runs = new Map();
  for (const claim of claims) {
    const started = performance.now();
    const result = await check(claim).catch((error) => ({ status: 'FAILED', reason: error.message }));
    yield { claim, ...result, seconds: Math.round((performance.now() - started) / 100) / 10 };
    if (process.exitCode === INTERRUPTED) return;
  }

  async function check(claim) {
    const missing = missingNeeds(claim);
    if (missing.length > 0) return { status: 'SKIPPED', reason: missing.join(', ') };
    if (recorded !== undefined && claim.test !== undefined && claim.environment === undefined) {
      return judgeTests(claim, { tests: recorded.filter((test) => isTestOf(claim, test)) });
    }
    const key = runKey(claim);
    const sharing = claims.filter((other) => runKey(other) === key);
    if (!runs.has(key)) runs.set(key, claim.test === undefined ? runCommand(sharing) : runTests(sharing));
    return (claim.test === undefined ? judgeOutput : judgeTests)(claim, await runs.get(key));
  }
}

const runKey = ({ command, test, environment }) => JSON.stringify([command ?? test, environment]);
const timeoutOf = (sharing) => Math.max(...sharing.map(({ timeoutSeconds }) => timeoutSeconds));

function missingNeeds(claim) {
  const names = new Set([...(claim.needs ?? []), ...placeholders(claim).filter((name) => VARIABLE.test(name))]);
  return [...names].flatMap((name) => {
    if (VARIABLE.test(name)) return process.env[name] ? [] : [`${name} is not set`];
    const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
    return folders.some((folder) => isExecutable(join(folder, name))) ? [] : [`${name} is not on PATH`];
  });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function runCommand(sharing) {
  const [first, ...args] = sharing[0].command;
  return inScratch(sharing, (fill, environment) =>
    execute(first === 'node' ? process.execPath : fill(first), args.map(fill), environment, timeoutOf(sharing)),
  );
}

/** One mocha for all claims on a file; the reporter's list says which tests ran. */
async function runTests(sharing) {
  const grep = sharing.map((claim) => `(?:${claim.grep ?? ''})`).join('|');
  return inScratch(sharing, async (fill, environment, scratch) => {
    const report = join(scratch, 'tests.json');
    const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const reporter = join(ROOT, 'scripts', 'test-reporter.cjs');
    const args = [mocha, '--reporter', reporter, '--timeout', '120000', '--grep', grep, sharing[0].test];
    const variables = { ...environment, GRIDVEIL_TEST_COUNTS: report };
    const ran = await execute(process.execPath, args, variables, timeoutOf(sharing));
    try {
      const { tests } = JSON.parse(readFileSync(report, 'utf8'));
      const failed = tests.some(({ state }) => state === 'failed');
      return { tests, fault: ran.code !== 0 && !failed ? faultOf(ran) : undefined };
    } catch {
      return { tests: [], fault: faultOf(ran) };
    }
  });
}

/** Gives a run a folder of its own, and the value of `${…}`. */
async function inScratch([{ environment = {} }], run) {
  const scratch = mkdtempSync(join(tmpdir(), 'gridveil-claim-'));
  const fill = (text) => text.replace(PLACEHOLDER, (_, name) => (name === 'scratch' ? scratch : process.env[name]));
  const filled = Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, fill(text)]));
  try {
    return await run(fill, { ...process.env, ...filled }, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs a program in a process group of its own, which ends at the time limit or when this process is interrupted. */
function execute(command, args, env, timeoutSeconds) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr, fault] = ['', '', undefined];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr = (stderr + chunk).slice(-10_000)));
    const kill = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // it has ended
      }
    };
    let killer;
    const end = (why) => {
      fault ??= why;
      kill('SIGTERM');
      killer ??= setTimeout(() => kill('SIGKILL'), GRACE_MILLISECONDS);
    };
    const timer = setTimeout(() => end(`not finished after ${timeoutSeconds} s`), timeoutSeconds * 1_000);
    const interrupt = () => {
      end('interrupted');
      process.exitCode = INTERRUPTED;
    };
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, interrupt);
    const settle = () => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupt);
      clearTimeout(timer);
      clearTimeout(killer);
    };
    child.on('error', (error) => {
      settle();
      failed(error);
    });
    child.on('close', (code, signal) => {
      settle();
      done({ code: code ?? signal, stdout, stderr, fault });
    });
  });
}

const faultOf = ({ code, stderr, fault }) =>
  [fault ?? `exit code ${code}`, ...stderr.trimEnd().split('\n').slice(-5)].filter(Boolean).join('\n  ');

function judgeOutput(claim, ran) {
  if (ran.fault !== undefined || ran.code !== 0) return { status: 'FAILED', reason: faultOf(ran) };
  if (claim.figure === undefined) return { status: 'ok' };
  const object = lastObject(ran.stdout);
  if (object === undefined) return { status: 'FAILED', reason: 'stdout has no line that is a JSON object' };
  const figure = numberAt(object, claim.figure) / (claim.per === undefined ? 1 : numberAt(object, claim.per));
  if (!Number.isFinite(figure)) return { status: 'FAILED', reason: 'division by zero' };
  return { ...judgeFigure(figure, claim.bound), figure: Number(figure.toPrecision(6)) };
}

function lastObject(text) {
  for (const line of text.trimEnd().split('\n').reverse()) {
    try {
      const value = JSON.parse(line);
      if (value?.constructor === Object) return value;
    } catch {
      // a line of another kind
    }
  }
  return undefined;
}

/** Amounts are decimal strings in our JSON. */
function numberAt(object, path) {
  const value = [path].flat().reduce((at, key) => at?.[key], object);
  const figure = typeof value === 'string' && /\d/.test(value) ? Number(value) : value;
  if (typeof figure !== 'number' || !Number.isFinite(figure))
    throw new Error(`the result has no number at ${JSON.stringify(path)}`);
  return figure;
}

function judgeFigure(figure, bound) {
  const [, comparison, limit] = BOUND.exec(bound);
  return COMPARE[comparison](figure, Number(limit))
    ? { status: 'ok' }
    : { status: 'FAILED', reason: `the bound is ${bound}` };
}

/** A test that ran on two Nodes is one test, and has failed if it failed on either. */
function judgeTests(claim, { tests: ran, fault }) {
  if (fault !== undefined) return { status: 'FAILED', reason: fault };
  const tests = ran.filter((test) => matches(claim, test));
  const failed = tests.find(({ state }) => state === 'failed');
  if (failed !== undefined) return { status: 'FAILED', reason: `${failed.title}: ${failed.error}` };
  const titles = (wanted) => new Set(tests.filter(({ state }) => state === wanted).map(({ title }) => title));
  const [passed, pending] = [titles('passed'), titles('pending')];
  if (passed.size + pending.size === 0) return { status: 'FAILED', reason: 'no test matches' };
  if (passed.size === 0) {
    return { status: 'SKIPPED', reason: `skipped by the tests themselves: ${[...pending].join('; ')}` };
  }
  return { ...judgeFigure(passed.size, claim.bound ?? '>= 1'), figure: passed.size, seen: [...passed] };
}

/** `ok`, `FAILED` or `SKIPPED (reason)`, the id, the figure with its bound, the sentence. */
export function resultLine({ claim, status, figure, reason, seconds }) {
  const unit = claim.test === undefined ? '' : figure === 1 ? ' test passed' : ' tests passed';
  const figures = figure === undefined ? '' : ` = ${figure}${unit}${claim.bound ? ` (${claim.bound})` : ''}`;
  const head = status === 'SKIPPED' ? `SKIPPED (${reason})` : status;
  const because = status === 'FAILED' ? `\n  ${reason}` : '';
  return `${head} ${claim.id}${figures}: ${claim.sentence} [${seconds} s]${because}`;
}
