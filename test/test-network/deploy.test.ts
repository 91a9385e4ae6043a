// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { ROOT, NativeTestNetwork, type Ended } from '../support/native-test-network.js';

const CHAINCODES = 3;
/** Every step by `GRIDVEIL_EVERY_INTERRUPTION=1`; otherwise a sample, which a run of minutes can afford. */
const STRIDE = process.env['GRIDVEIL_EVERY_INTERRUPTION'] === '1' ? 1 : 9;

const succeeded = ({ code, stdout, stderr }: Ended): void => {
  assert.equal(code, 0, stdout + stderr);
  const answers = stdout.split('\n').filter((line) => /^(consumption|pricing|billing) /.test(line));
  assert.equal(answers.length, CHAINCODES * 2, 'each chaincode answers through each gateway');
  assert.ok(answers.every((line) => line.endsWith('ok')));
};

const refused = ({ code, stderr }: Ended, expected: string, status = 1): void => {
  assert.match(stderr, new RegExp(`^deploy-to-test-network.sh: ${expected}: `, 'm'));
  assert.equal(code, status);
};

// What the script refuses before anything of Fabric is needed.
describe('deploy-to-test-network.sh without a network', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'gridveil-deploy-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const deploy = (...args: string[]): Ended => {
    const script = join(ROOT, 'scripts', 'deploy-to-test-network.sh');
    const { status, stdout, stderr } = spawnSync(script, args, { encoding: 'utf8' });
    return { code: status ?? 'signal', stdout, stderr };
  };

  it('says how it is used', () => {
    assert.equal(deploy('-h').code, 0);
    assert.equal(deploy().code, 2);
    for (const args of [
      ['-x'],
      ['-ccv'],
      ['-ccv', 'a b'],
      ['-port', '80'],
      ['-port', '70000'],
      ['-host', 'a/b'],
      ['more'],
    ]) {
      refused(deploy(folder, ...args), 'WRONG_USE', 2);
    }
    refused(deploy(join(folder, 'absent')), 'WRONG_USE', 2);
  });

  it('-down has nothing to do where nothing was deployed, and removes no folder of somebody else', () => {
    assert.equal(deploy(folder, '-down').code, 0);
    mkdirSync(join(folder, 'gridveil'));
    writeFileSync(join(folder, 'gridveil', 'file'), '');
    refused(deploy(folder, '-down'), 'NOT_OURS');
    assert.ok(existsSync(join(folder, 'gridveil', 'file')));
  });
});

describe("deploy-to-test-network.sh on fabric-samples' test-network", function () {
  this.timeout(STRIDE === 1 ? 3_600_000 : 600_000);
  const network = NativeTestNetwork.use();

  it('deploys in one command, repeats with nothing to do, and packages are reproducible', async () => {
    await network().up();
    refused(await network().deploy(['-host', '127.0.0.1', '-bft']), 'NOT_UP');
    succeeded(await network().deploy());
    const before = network().servers();
    assert.equal(before.size, CHAINCODES);
    const again = await network().deploy();
    succeeded(again);
    assert.doesNotMatch(again.stderr, /sequence 2/);
    assert.deepEqual(network().servers(), before, 'no server was started again');
  });

  it('starts dead servers again', async () => {
    const before = network().servers();
    for (const pid of before.values()) {
      process.kill(pid, 'SIGKILL');
    }
    succeeded(await network().deploy());
    assert.ok([...network().servers().values()].every((pid) => isRunning(pid)));
    assert.deepEqual([...network().servers().keys()], [...before.keys()]);
  });

  it('trusts no stale process id: another process with that id is left alone', async () => {
    const [name, pid] = [...network().servers()][0]!;
    process.kill(pid, 'SIGKILL');
    writeFileSync(join(network().state, 'pids', `${name}.pid`), `${process.pid}\n--chaincode-id of another time\n`);
    succeeded(await network().deploy());
    assert.notEqual(network().servers().get(name), process.pid);
  });

  it('upgrades on the second ports and back, and never downgrades without being told', async () => {
    succeeded(await network().deploy(['-ccv', '1.1']));
    const upgraded = [...network().servers().keys()];
    assert.deepEqual(upgraded.map((name) => name.split('-')[2]).sort(), ['6', '7', '8']);
    const again = await network().deploy();
    succeeded(again);
    assert.match(again.stderr, /pricing 1\.1 \(sequence 2\)/);
    succeeded(await network().deploy(['-ccv', '1.2']));
    assert.equal(network().servers().size, CHAINCODES);
  });

  it('a host that the peer cannot reach is refused, and what worked continues', async () => {
    const unreachable = await network().deploy(['-host', 'nowhere.invalid']);
    refused(unreachable, 'CHAINCODE_UNREACHABLE');
    assert.match(unreachable.stderr, /goes on/);
    succeeded(await network().deploy());
  });

  it('a changed host gets new packages under the same definition', async () => {
    const moved = await network().deploy(['-host', 'localhost']);
    succeeded(moved);
    assert.match(moved.stderr, /consumption 1\.2 \(sequence 3\)/);
    succeeded(await network().deploy(['-host', '127.0.0.1']));
  });

  it('a port that another program has is named', async () => {
    // pricing's first and second port
    const servers = await Promise.all([9902, 9907].map(listen));
    refused(await network().deploy(['-port', '9900']), 'PORT_TAKEN');
    for (const server of servers) {
      server.close();
    }
    succeeded(await network().deploy());
  });

  it('uses a channel again when the folder with its state was lost', async () => {
    const { state } = network();
    for (const pid of network().servers().values()) {
      process.kill(pid, 'SIGKILL');
    }
    rmSync(state, { recursive: true });
    succeeded(await network().deploy());
  });

  it('notices that the test-network was made anew', async () => {
    await network().up();
    const fresh = await network().deploy();
    succeeded(fresh);
    assert.match(fresh.stderr, /made anew/);
  });

  it('continues after an interruption at each step of an upgrade', async () => {
    let version = 1;
    for (let step = 1; ; step += STRIDE) {
      version++;
      const { environment, calls } = network().interruptedAfter(step);
      const { code } = await network().deploy(['-ccv', `1.${version}`], environment);
      succeeded(await network().deploy(['-ccv', `1.${version}`]));
      assert.equal(network().servers().size, CHAINCODES);
      if (calls() < step) {
        break;
      }
      assert.notEqual(code, 0);
    }
  });

  it('-down leaves neither a server nor a file, before and after network.sh down', async () => {
    const pids = [...network().servers().values()];
    assert.equal((await network().deploy(['-down'])).code, 0);
    assert.ok(!existsSync(network().state));
    assert.ok(pids.every((pid) => !isRunning(pid)));
    succeeded(await network().deploy());
    const later = [...network().servers().values()];
    await network().down();
    assert.equal((await network().deploy(['-down'])).code, 0);
    assert.ok(later.every((pid) => !isRunning(pid)));
    assert.ok(!readdirSync(network().directory).includes('gridveil'));
  });

  it('continues after an interruption at each step of a first deployment', async () => {
    for (let step = 1; ; step += STRIDE) {
      await network().up();
      const { environment, calls } = network().interruptedAfter(step);
      await network().deploy([], environment);
      succeeded(await network().deploy());
      assert.equal(network().servers().size, CHAINCODES);
      await network().deploy(['-down']);
      if (calls() < step) {
        break;
      }
    }
  });
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return server;
}

/** A process that has ended and waits for somebody to ask for its exit code counts as ended. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z]/.test(stdout.trim());
}
