// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url)); // seen from dist/test/claims/
const FIXTURE = 'GRIDVEIL_TEST_CLAIMS_FIXTURE';

type Claim = Readonly<Record<string, unknown>>;

/** What scripts/claims.mjs says of these claims, as topic `topic`. */
function check(claims: unknown, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  writeFileSync(join(folder, 'topic.json'), typeof claims === 'string' ? claims : JSON.stringify(claims));
  const script = join(ROOT, 'scripts', 'claims.mjs');
  return spawnSync(process.execPath, [script, '--claims', folder, ...args], { encoding: 'utf8' });
}

const claim = (fields: Claim): Claim => ({ id: 'one', sentence: 'It holds.', group: 'ci', ...fields });
const node = (program: string): string[] => ['node', '-e', program];
const prints = (result: unknown): string[] => node(`console.log(${JSON.stringify(JSON.stringify(result))})`);
/** This file's own fixture, see below. */
const fixture = (grep: string, fields: Claim = {}): Claim =>
  claim({ test: relative(ROOT, fileURLToPath(import.meta.url)), grep, environment: { [FIXTURE]: '1' }, ...fields });

let folder = '';

function runnerTests(this: Mocha.Suite): void {
  this.timeout(30_000);
  before(() => (folder = mkdtempSync(join(tmpdir(), 'gridveil-claims-'))));
  after(() => rmSync(folder, { recursive: true }));

  /** One claim: its first line of output, and the exit code. */
  const judged = (fields: Claim): [string, number | null] => {
    const { status, stdout, stderr } = check([fields.id === undefined ? claim(fields) : fields]);
    assert.equal(stderr, '');
    return [stdout.split('\n\n')[0]!.replace(/ \[[\d.]+ s\]/, ''), status];
  };

  it('reads the figure from the last line that is a JSON object, a decimal string or a quotient too', () => {
    const chatty = node("console.log('{\"x\":9}'); console.log('{\"x\":1.5}'); console.log('done')");
    assert.deepEqual(judged({ command: chatty, figure: 'x', bound: '<= 1.5' }), [
      'ok topic/one = 1.5 (<= 1.5): It holds.',
      0,
    ]);
    const amounts = prints({ 'a, µs': [{ b: '30' }], c: 20 });
    const quotient = claim({ command: amounts, figure: ['a, µs', '0', 'b'], per: 'c', bound: '== 1.5' });
    assert.deepEqual(judged(quotient), ['ok topic/one = 1.5 (== 1.5): It holds.', 0]);
    const zero = judged({ command: prints({ x: 1, y: 0 }), figure: 'x', per: 'y', bound: '>= 1' });
    assert.deepEqual(zero, ['FAILED topic/one: It holds.\n  division by zero', 1]);
  });

  it('holds each kind of bound', () => {
    const held = ['<= 2', '== 2', '>= 2', '< 2.5', '> -1'];
    const broken = ['< 2', '> 2', '<= 1.9', '== -2', '>= 2.1'];
    const claims = [...held, ...broken].map((bound, index) =>
      claim({ id: `bound-${index}`, command: prints({ x: 2 }), figure: 'x', bound }),
    );
    const lines = check(claims).stdout.match(/^(ok|FAILED) .*\)/gm);
    assert.deepEqual(lines, [
      ...held.map((bound, index) => `ok topic/bound-${index} = 2 (${bound})`),
      ...broken.map((bound, index) => `FAILED topic/bound-${held.length + index} = 2 (${bound})`),
    ]);
  });

  it('fails for a figure beyond its bound, and names the bound', () => {
    assert.deepEqual(judged({ command: prints({ x: 2 }), figure: 'x', bound: '<= 1.5' }), [
      'FAILED topic/one = 2 (<= 1.5): It holds.\n  the bound is <= 1.5',
      1,
    ]);
  });

  it('fails for a command that ends with another exit code than 0, with the end of its stderr', () => {
    assert.deepEqual(judged({ command: node('console.error("why"); process.exit(3)') }), [
      'FAILED topic/one: It holds.\n  exit code 3\n  why',
      1,
    ]);
    assert.match(judged({ command: ['gridveil-no-such-program'] })[0], /FAILED topic\/one.*\n.*ENOENT/);
    assert.deepEqual(judged({ command: node('0') }), ['ok topic/one: It holds.', 0]);
  });

  it('fails for a command that prints no figure', () => {
    const without = (result: string[], reason: string): void => {
      assert.deepEqual(judged({ command: result, figure: ['x', 'y'], bound: '> 0' }), [
        `FAILED topic/one: It holds.\n  ${reason}`,
        1,
      ]);
    };
    without(node('console.log("[1]")'), 'stdout has no line that is a JSON object');
    for (const result of [{}, { x: 1 }, { x: { y: 'n' } }, { x: { y: null } }, { x: { y: '' } }]) {
      without(prints(result), 'the result has no number at ["x","y"]');
    }
  });

  it('ends a command and its children at the time limit', () => {
    const child =
      "require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => 0, 60000)'], {stdio: 'inherit'})";
    const started = performance.now();
    assert.deepEqual(judged({ command: node(`${child}; setTimeout(() => 0, 60000)`), timeoutSeconds: 1 }), [
      'FAILED topic/one: It holds.\n  not finished after 1 s',
      1,
    ]);
    assert.ok(performance.now() - started < 20_000);
  });

  it('skips what needs an environment variable or a program that is not here, by its name', () => {
    const [command, skipped] = [node('process.exit(1)'), (what: string) => `SKIPPED (${what}) topic/one: It holds.`];
    const needs = ['GRIDVEIL_NO_SUCH', 'gridveil-no-such'];
    assert.deepEqual(judged({ command, needs }), [
      skipped('GRIDVEIL_NO_SUCH is not set, gridveil-no-such is not on PATH'),
      0,
    ]);
    const used = { command: [...command, '${GRIDVEIL_NO_SUCH}/bin'] };
    assert.deepEqual(judged(used), [skipped('GRIDVEIL_NO_SUCH is not set'), 0]);
    assert.equal(judged({ command, needs: ['PATH', 'sh'] })[1], 1);
  });

  it('fills in environment variables, and a folder that is removed afterwards', () => {
    process.env['GRIDVEIL_TEST_CLAIMS'] = 'x/y';
    try {
      const program =
        'console.log(JSON.stringify({ x: +process.env.A.endsWith("x/y/z") + require("node:fs").existsSync(process.argv[1]), folder: process.argv[1] }))';
      const environment = { A: '${GRIDVEIL_TEST_CLAIMS}/z' };
      assert.equal(
        judged({ command: [...node(program), '${scratch}'], environment, figure: 'x', bound: '== 2' })[1],
        0,
      );
    } finally {
      delete process.env['GRIDVEIL_TEST_CLAIMS'];
    }
  });

  it('runs a command once for all claims that read a figure from it', () => {
    const log = join(folder, 'log');
    const command = node(`require('node:fs').appendFileSync(${JSON.stringify(log)}, 'ran '); console.log('{"x":1}')`);
    const figures = [
      claim({ command, figure: 'x', bound: '== 1' }),
      claim({ id: 'two', command, figure: 'x', bound: '> 1' }),
    ];
    const { status, stdout } = check(figures);
    assert.equal(status, 1);
    assert.match(stdout, /\n1 ok, 1 failed, 0 skipped\n$/);
    assert.equal(readFileSync(log, 'utf8'), 'ran ');
  });

  it('counts the tests of a file that passed, and fails for one that failed', () => {
    assert.deepEqual(judged(fixture('passes')), ['ok topic/one = 2 tests passed: It holds.', 0]);
    assert.deepEqual(judged(fixture('passes', { bound: '== 3' })), [
      'FAILED topic/one = 2 tests passed (== 3): It holds.\n  the bound is == 3',
      1,
    ]);
    assert.deepEqual(judged(fixture('passes|fails')), [
      'FAILED topic/one: It holds.\n  fixture fails: as it should',
      1,
    ]);
  });

  it('fails for a pattern that no test matches, and for a file that cannot be loaded', () => {
    assert.deepEqual(judged(fixture('no such test')), ['FAILED topic/one: It holds.\n  no test matches', 1]);
    assert.match(
      judged(claim({ test: 'dist/no/such.test.js' }))[0],
      /^FAILED topic\/one: It holds.\n {2}exit code 1\n/,
    );
  });

  it('skips a claim all of whose tests are skipped, with their names', () => {
    assert.deepEqual(judged(fixture('skips')), [
      'SKIPPED (skipped by the tests themselves: fixture skips) topic/one: It holds.',
      0,
    ]);
  });

  it('reads tests from a run that has been recorded', async () => {
    const url = new URL('../../../scripts/claim-runner.mjs', import.meta.url).href;
    const { checkClaims } = (await import(url)) as {
      checkClaims: (claims: Claim[], recorded: Claim[]) => AsyncIterable<{ status: string; figure?: number }>;
    };
    const test = 'dist/a.test.js';
    const ran = (title: string, state: string, file = test): Claim => ({ file, title, state });
    const statusOf = async (...recorded: Claim[]): Promise<unknown[]> => {
      for await (const { status, figure } of checkClaims([claim({ test, grep: '^a' })], recorded)) {
        return [status, figure];
      }
      return [];
    };
    assert.deepEqual(await statusOf(ran('a', 'passed'), ran('a', 'passed'), ran('b', 'failed')), ['ok', 1]);
    assert.deepEqual(await statusOf(ran('a', 'passed'), ran('a', 'failed')), ['FAILED', undefined]);
    assert.deepEqual(await statusOf(ran('a', 'passed', 'dist/b.test.js')), ['FAILED', undefined]);
    assert.deepEqual(await statusOf(ran('a', 'pending')), ['SKIPPED', undefined]);
    const own = fixture('passes', { timeoutSeconds: 60 });
    for await (const { status } of checkClaims([own], [ran('fixture passes', 'failed', String(own.test))])) {
      assert.equal(status, 'ok', 'with an environment of its own it runs its tests itself');
    }
  });

  it('selects by group and topic, and writes the results', () => {
    const file = join(folder, 'results', 'out.json');
    const claims = [
      claim({ command: prints({ x: 1 }), figure: 'x', bound: '== 1' }),
      claim({ id: 'two', group: 'long', command: node('process.exit(1)') }),
    ];
    assert.equal(check(claims, '--group', 'ci', '--topic', 'topic', '--json', file).status, 0);
    const written = JSON.parse(readFileSync(file, 'utf8')) as { claims: Claim[] };
    assert.deepEqual(
      written.claims.map(({ id, status, figure, bound }) => [id, status, figure, bound]),
      [['topic/one', 'ok', 1, '== 1']],
    );
    assert.equal(check(claims, '--group', 'browser').stdout, '\n0 ok, 0 failed, 0 skipped\n');
    assert.equal(check(claims).status, 1);
  });

  it('refuses an unknown group, topic or flag with exit code 2', () => {
    for (const [args, message] of [
      [['--group', 'quick'], 'claims: group quick is none of ci, long, fabric, browser\n'],
      [['--topic', 'none'], 'claims: topic none is none of topic\n'],
    ] as const) {
      const { status, stdout, stderr } = check([claim({ command: node('0') })], ...args);
      assert.deepEqual([status, stdout, stderr], [2, '', message]);
    }
    assert.equal(check([], '--fast').status, 2);
  });

  it('refuses a faulty claims file with exit code 2, and lists all faults', () => {
    const [command, test] = [node('0'), 'dist/a.test.js'];
    const refused = (claims: unknown, ...faults: string[]): void => {
      const { status, stdout, stderr } = check(claims);
      assert.deepEqual([status, stdout], [2, '']);
      const lines = stderr.replace('claims: ', '').trim().split('\n');
      assert.equal(lines.length, faults.length, stderr);
      lines.forEach((line, index) => assert.ok(line.startsWith(faults[index]!), `${line}, not ${faults[index]}`));
    };
    refused('{', 'topic.json: ');
    refused({}, 'topic.json: must be a list of claims');
    const first = 'topic.json, claim 1:';
    refused([7], `${first} Invalid input: expected object, received number`);
    refused([{ command }], `${first} id: `, `${first} sentence: `, `${first} group: `);
    refused([claim({ command }), claim({ command })], 'topic/one: the id is there twice');
    refused([claim({ command, id: 'One' })], 'topic/One: id: must be lower-case words joined by hyphens');

    const faulty: readonly (readonly [Claim, string])[] = [
      [{ command, group: 'quick' }, 'group: Invalid option: expected one of "ci"|"long"|"fabric"|"browser"'],
      [{ command, why: 1 }, 'Unrecognized key: "why"'],
      [{ command: 'node -e 0' }, 'command: Invalid input: expected array, received string'],
      [{}, 'needs either command or test'],
      [{ command, test }, 'needs either command or test'],
      [{ command, figure: 'x' }, 'figure and bound of a command go together'],
      [{ command, bound: '<= 1' }, 'figure and bound of a command go together'],
      [{ command, figure: 7, bound: '<= 1' }, 'figure: must be a key or a list of keys'],
      [{ command, figure: 'x', bound: '1.5' }, 'bound: must be a comparison such as "<= 1.5"'],
      [{ command, figure: 'x', bound: '=< 1' }, 'bound: must be a comparison such as "<= 1.5"'],
      [{ command, per: 'x' }, 'per goes with figure'],
      [{ command, grep: 'x' }, 'grep goes with test'],
      [{ test, grep: '(' }, 'grep: must be a regular expression'],
      [{ test: 'test/a.test.ts' }, 'test: must be a compiled test file, dist/….test.js'],
      [{ test, figure: 'x' }, 'the figure of a test is the number of tests that passed'],
      [{ command, needs: 'peer' }, 'needs: Invalid input: expected array, received string'],
      [{ command, needs: ['a/b'] }, 'needs: 0: must be a variable or a program'],
      [{ command, environment: { a: '1' } }, 'environment: a: Invalid key in record'],
      [{ command, timeoutSeconds: 0 }, 'timeoutSeconds: Too small'],
      [{ command, timeoutSeconds: 5_401 }, 'timeoutSeconds: Too big'],
      [{ command: ['${home}'] }, '${home} is neither an environment variable nor ${scratch}'],
    ];
    refused(
      faulty.map(([fields], index) => claim({ id: `faulty-${index}`, ...fields })),
      ...faulty.map(([, fault], index) => `topic/faulty-${index}: ${fault}`),
    );
  });
}

function fixtureTests(): void {
  it('passes', () => {});
  it('passes again', () => {});
  it('fails', () => assert.fail('as it should'));
  it('skips', function () {
    this.skip();
  });
}

// The runner starts mocha on this file again, which has other tests then.
if (process.env[FIXTURE] === '1') {
  describe('fixture', fixtureTests);
} else {
  describe('the claims runner', runnerTests);
}
