// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

describe('command line of the embedded ledger', function () {
  this.timeout(30_000);
  let directory: string;

  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'gridveil-ledger-cli-'))));
  afterEach(() => rm(directory, { recursive: true }));

  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  const refused = (status: number, code: RegExp, ...args: string[]): void => {
    const result = run(...args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, code);
    assert.ok(!/^ +at /m.test(result.stderr), `no stack: ${result.stderr}`);
    assert.equal(result.stdout, '');
  };

  it('removes and changes nothing that is no ledger’s', async () => {
    await mkdir(join(directory, 'photos'));
    await writeFile(join(directory, 'photos', 'one.jpg'), 'a photo');
    await writeFile(join(directory, 'ports.json'), '{}');
    for (const verb of ['down', 'up']) {
      refused(1, /^NOT_OURS: .*holds photos/, verb, '--directory', directory);
    }
    assert.equal(await readFile(join(directory, 'photos', 'one.jpg'), 'utf8'), 'a photo');
    assert.deepEqual((await readdir(directory)).sort(), ['photos', 'ports.json']);
    const file = join(directory, 'photos', 'one.jpg');
    for (const verb of ['down', 'up']) {
      refused(1, /^NOT_OURS: .*is no directory/, verb, '--directory', file);
    }
    assert.ok(existsSync(file));
  });

  it('has nothing to show, restart, or deploy to where there is no ledger, and makes none', () => {
    const absent = join(directory, 'absent');
    for (const verb of ['status', 'createChannel', 'deployCC', 'restart']) {
      refused(1, /^NOT_RUNNING: /, verb, '--directory', absent);
    }
    assert.equal(run('down', '--directory', absent).status, 0);
    assert.ok(!existsSync(absent));
  });

  it('says what is wrong with its flags', () => {
    refused(2, /--address needs --channel/, 'deployCC', '--address', '127.0.0.1:1', '--directory', directory);
    refused(2, /unknown option '--port'/, 'up', '--port', '7051');
    assert.match(run('--help').stdout, /^Usage: gridveil ledger /);
  });
});
