// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../../client-apps/cli/program.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LOCK = JSON.stringify({ packages: { '': {}, 'node_modules/compiler': { version: '1.0.0', dev: true } } });

/** Takes the place of npm: leaves what an installation leaves, without what npm was told to leave out. */
const NPM = `
const { appendFileSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { basename } = require('node:path');
appendFileSync(process.env.CALLS, 'npm in ' + basename(process.cwd()) + '\\n');
const omits = process.env.NODE_ENV === 'production' && !process.argv.includes('--include=dev');
mkdirSync('node_modules', { recursive: true });
const lock = process.cwd().endsWith('chaincode') ? 'npm-shrinkwrap.json' : 'package-lock.json';
writeFileSync('node_modules/.package-lock.json', omits ? '{"packages":{}}' : readFileSync(lock));
`;
const BUILD = `
import { appendFileSync, mkdirSync } from 'node:fs';
appendFileSync(process.env.CALLS, 'build\\n');
mkdirSync('dist', { recursive: true });
`;

describe('scripts/bootstrap.mjs', () => {
  let clone: string;
  let calls: string;

  beforeEach(() => {
    const folder = mkdtempSync(join(tmpdir(), 'gridveil-bootstrap-'));
    clone = join(folder, 'clone');
    calls = join(folder, 'calls');
    for (const path of ['scripts', 'chaincode', 'protocol']) {
      mkdirSync(join(clone, path), { recursive: true });
    }
    for (const script of ['bootstrap.mjs', 'prepare.mjs']) {
      cpSync(join(ROOT, 'scripts', script), join(clone, 'scripts', script));
    }
    const files = { 'scripts/build.mjs': BUILD, 'package-lock.json': LOCK, 'chaincode/npm-shrinkwrap.json': LOCK };
    for (const [path, text] of Object.entries(files)) {
      writeFileSync(join(clone, path), text);
    }
    for (const path of ['tsconfig.json', 'tsconfig.base.json', 'protocol/a.ts']) {
      writeFileSync(join(clone, path), '');
    }
    writeFileSync(join(folder, 'npm-cli.js'), NPM);
  });

  afterEach(() => rmSync(join(clone, '..'), { recursive: true, force: true }));

  const start = (task: string, environment: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> => {
    writeFileSync(calls, '');
    const npm = { npm_lifecycle_event: task, npm_execpath: join(clone, '..', 'npm-cli.js') };
    return spawnSync(process.execPath, ['scripts/bootstrap.mjs', task], {
      cwd: clone,
      encoding: 'utf8',
      env: { ...process.env, NODE_ENV: 'production', CALLS: calls, ...npm, ...environment },
    });
  };

  /** Runs a task as npm's scripts do; what it said, and what it called. */
  const run = (task: string): { said: string; called: string[] } => {
    const { status, stdout, stderr } = start(task);
    assert.equal(status, 0, stderr);
    return { said: stdout + stderr, called: readFileSync(calls, 'utf8').split('\n').filter(Boolean) };
  };

  it('prepare installs and builds in a fresh clone, for production too, and then says and does nothing', () => {
    assert.deepEqual(run('prepare').called, ['npm in clone', 'npm in chaincode', 'build']);
    assert.deepEqual(run('prepare'), { said: '', called: [] });
  });

  it('prepare builds again after a source has changed, and installs again after a lock file has', () => {
    run('prepare');
    const later = new Date(Date.parse(readFileSync(join(clone, 'dist', '.built'), 'utf8').trim()) + 1_000);
    utimesSync(join(clone, 'protocol', 'a.ts'), later, later);
    assert.deepEqual(run('prepare').called, ['build']);
    writeFileSync(join(clone, 'chaincode', 'npm-shrinkwrap.json'), LOCK.replace('1.0.0', '1.0.1'));
    assert.deepEqual(run('prepare').called, ['npm in chaincode', 'build']);
  });

  it('build installs what is missing and always builds; no other task has to build after it', () => {
    assert.deepEqual(run('build').called, ['npm in clone', 'npm in chaincode', 'build']);
    assert.deepEqual(run('build').called, ['build']);
    assert.deepEqual(run('prepare').called, []);
  });

  it('refuses options that npm kept for itself, before anything is installed', () => {
    for (const name of ['readings', 'household-relays']) {
      const kept = { [`npm_config_${name.replace('-', '_')}`]: 'six.csv' };
      const { status, stderr } = start('demo', kept);
      assert.equal(status, 2);
      assert.match(stderr, new RegExp(`npm did not pass on --${name}: .*npm run demo -- `));
      assert.equal(readFileSync(calls, 'utf8'), '');
      // A program started by npm for another reason inherits npm's variables.
      assert.equal(start('prepare', kept).status, 0);
    }
  });

  it('knows all options of the demo that npm could keep', () => {
    const demo = createProgram().commands.find((command) => command.name() === 'demo')!;
    const names = demo.options.map(({ long }) => long!.slice(2)).filter((name) => name !== 'json' && name !== 'k');
    const npm = Object.fromEntries(names.map((name) => [`npm_config_${name.replaceAll('-', '_')}`, 'true']));
    const listed = / on (.*): put /.exec(start('demo', npm).stderr)?.[1]?.split(', ') ?? [];
    assert.deepEqual(listed.sort(), names.map((name) => `--${name}`).sort());
  });
});

describe('a checkout with core.autocrlf=true', () => {
  it('has the line endings of the repository in every file', function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), 'gridveil-checkout-'));
    const git = (...args: string[]): SpawnSyncReturns<string> =>
      spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
    try {
      if (git('-C', ROOT, 'rev-parse', '--verify', 'HEAD').status !== 0) {
        this.skip(); // not a clone
      }
      const cloned = git('-c', 'core.autocrlf=true', 'clone', '--quiet', '--no-hardlinks', ROOT, 'clone');
      assert.equal(cloned.status, 0, cloned.stderr);
      const converted = git('-C', 'clone', 'ls-files', '--eol')
        .stdout.split('\n')
        .filter((line) => /^i\/(?!lf|none|-text)|w\/(?!lf|none|-text)/.test(line));
      assert.deepEqual(converted, []);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
