// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LedgerStatus } from '../../../network/embedded/ledger-node.js';
import { freePorts } from '../../../network/topology/ports.js';
import { defaultTopologyPath } from '../../../network/topology/topology.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('gridveil ledger', function () {
  this.timeout(120_000);
  let directory: string;

  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'gridveil ledger-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const run = (...args: string[]): Ended =>
    spawnSync(process.execPath, [PROGRAM, 'ledger', ...args], { encoding: 'utf8' });
  const refused = (status: number, code: RegExp, ...args: string[]): void => {
    const result = run(...args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, code);
    assert.ok(!/^ +at /m.test(result.stderr), `no stack: ${result.stderr}`);
    assert.equal(result.stdout, '');
  };

  it('removes and changes nothing in a directory of another kind', async () => {
    await mkdir(join(directory, 'photos'));
    await writeFile(join(directory, 'photos', 'one.jpg'), 'a photo');
    await writeFile(join(directory, 'ports.json'), '{}');
    refused(1, /^gridveil: NOT_OURS: .*holds photos/, 'down', '--yes', '--directory', directory);
    refused(1, /^gridveil: NOT_OURS: .*holds photos/, 'up', '--directory', directory);
    assert.equal(await readFile(join(directory, 'photos', 'one.jpg'), 'utf8'), 'a photo');
    assert.deepEqual((await readdir(directory)).sort(), ['photos', 'ports.json']);
    const file = join(directory, 'photos', 'one.jpg');
    refused(1, /^gridveil: NOT_OURS: .*is not a directory/, 'down', '--yes', '--directory', file);
    refused(1, /^gridveil: NOT_OURS: .*is not a directory/, 'up', '--directory', file);
    assert.ok(existsSync(file));
  });

  it('has nothing to show, restart or deploy to where there is no ledger, and creates none', () => {
    const absent = join(directory, 'absent');
    for (const verb of ['status', 'createChannel', 'deployCC', 'restart']) {
      refused(1, /^gridveil: NOT_RUNNING: /, verb, '--directory', absent);
    }
    assert.equal(run('stop', '--directory', absent).status, 0);
    assert.equal(run('down', '--directory', absent).status, 0);
    assert.ok(!existsSync(absent));
  });

  it('refuses wrong flags with exit code 2', () => {
    refused(2, /--address requires --channel/, 'deployCC', '--address', '127.0.0.1:1', '--directory', directory);
    refused(2, /unknown option '--port'/, 'up', '--port', '7051');
    refused(2, /WRONG_USE: down deletes .* --yes/, 'down', '--directory', directory);
    assert.ok(existsSync(directory));
    assert.match(run('--help').stdout, /^Usage: gridveil ledger /);
  });

  it('says which port is in use and what to do', async () => {
    const [port] = (await freePorts(1)) as [number];
    const server = createServer().listen(port, '127.0.0.1');
    const topology = join(directory, 'topology.json');
    const text = await readFile(defaultTopologyPath(), 'utf8');
    await writeFile(topology, text.replace('"port": 7051', `"port": ${port}`));
    const expected = new RegExp(`^gridveil: PORT_TAKEN: 127\\.0\\.0\\.1:${port} .*--ports free`);
    refused(1, expected, 'up', '--topology', topology, '--directory', join(directory, 'ledger'));
    server.close();
  });

  describe('with a running ledger', () => {
    let ledger: string;
    let stranger: ChildProcess;

    beforeEach(() => {
      ledger = join(directory, 'ledger');
      stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 300_000)']);
    });
    afterEach(() => {
      stranger.kill();
      run('down', '--yes', '--directory', ledger);
    });

    const status = (...args: string[]): LedgerStatus => {
      const result = run(...args, '--directory', ledger, '--json');
      assert.equal(result.status, 0, result.stderr);
      return JSON.parse(result.stdout) as LedgerStatus;
    };
    const versions = ({ chaincodes }: LedgerStatus): string[] => {
      assert.deepEqual(
        chaincodes.map(({ chaincodeId }) => chaincodeId),
        chaincodes.map(({ name, version }) => `${name}:${version}`),
      );
      return chaincodes.map(({ version }) => version);
    };
    const controlFile = async (): Promise<{ pid: number }> =>
      JSON.parse(await readFile(join(ledger, 'control.json'), 'utf8')) as { pid: number };

    it('upgrades, never downgrades, and keeps ports and data through stop, restart and kill -9', async () => {
      const { endpoints } = status('up', '--ports', 'free');
      status('createChannel');
      assert.deepEqual(versions(status('deployCC')), ['1.0', '1.0', '1.0']);
      status('deployCC', '--ccv', '1.1', '-c', 'pricing');
      assert.deepEqual(versions(status('deployCC')), ['1.0', '1.0', '1.1']);
      const before = status('status');
      process.kill((await controlFile()).pid, 'SIGKILL');
      await pause(200);
      refused(1, /NOT_RUNNING/, 'status', '--directory', ledger);
      const restarted = status('up');
      assert.deepEqual(restarted, before);
      assert.deepEqual(restarted.endpoints, endpoints);
      assert.equal(run('stop', '--directory', ledger).status, 0);
      assert.deepEqual(status('restart'), before);
      const text = run('status', '--directory', ledger).stdout;
      assert.match(text, /^chaincode pricing +1\.1 on pricing, server 127\.0\.0\.1:\d+, running$/m);
      assert.equal(run('down', '--yes', '--directory', ledger).status, 0);
      assert.ok(!existsSync(ledger));
    });

    it('signals no process that a stale file names, and is not stuck on it', async () => {
      status('up', '--ports', 'free');
      const control = await controlFile();
      process.kill(control.pid, 'SIGKILL');
      await pause(200);
      const stale = JSON.stringify({ ...control, pid: stranger.pid });
      await writeFile(join(ledger, 'control.json'), stale);
      refused(1, /NOT_RUNNING/, 'status', '--directory', ledger);
      status('up');
      status('restart');
      assert.equal(run('stop', '--directory', ledger).status, 0);
      await writeFile(join(ledger, 'control.json'), stale);
      assert.equal(run('down', '--yes', '--directory', ledger).status, 0);
      assert.equal(stranger.exitCode ?? stranger.signalCode, null);
      assert.ok(!existsSync(ledger));
    });

    it('deletes nothing while a process that does not answer holds the database', async () => {
      status('up', '--ports', 'free');
      const path = join(ledger, 'control.json');
      const control = await readFile(path, 'utf8');
      await writeFile(path, '{');
      refused(1, /ALREADY_RUNNING/, 'up', '--directory', ledger);
      refused(1, /ALREADY_RUNNING/, 'down', '--yes', '--directory', ledger);
      assert.ok(existsSync(join(ledger, 'ledger')));
      await writeFile(path, control);
    });
  });
});
