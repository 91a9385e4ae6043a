// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the command gridveil', function () {
  this.timeout(60_000);
  let folder: string;
  let keyFile = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridveil-cli-'));
    keyFile = '';
  });
  afterEach(() => rm(folder, { recursive: true }));

  function gridveil(...args: string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const options = { cwd: folder, env: { PATH: process.env['PATH'], GRIDVEIL_KEY_FILE: keyFile } };
      execFile(process.execPath, [PROGRAM, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  async function refused(code: string, exitCode: number, ...args: string[]): Promise<Ended> {
    const ended = await gridveil(...args);
    assert.equal(ended.code, exitCode, ended.stderr);
    assert.equal(ended.stdout, '');
    assert.ok(ended.stderr.startsWith(`gridveil: ${code}: `), ended.stderr);
    return ended;
  }

  it('prints help and version on stdout', async () => {
    const help = await gridveil('--help');
    assert.equal(help.code, 0);
    for (const command of ['demo', 'verify', 'control-center', 'service-provider', 'relay', 'meter', 'consumer']) {
      assert.match(help.stdout, new RegExp(`^ {2}${command}\\b`, 'm'));
    }
    assert.match((await gridveil('demo', '--help')).stdout, /--readings <file>/);
    assert.match((await gridveil('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('refuses wrong use with exit code 2, before anything is begun', async () => {
    await refused('WRONG_USE', 2, 'dance');
    await refused('WRONG_USE', 2, 'demo', '--metres', '5');
    await refused('WRONG_USE', 2, 'demo', 'extra');
    for (const meters of ['0', '5001', '1e3', '-1', '07', 'ten']) {
      await refused('WRONG_USE', 2, 'demo', '--meters', meters);
    }
    await refused('WRONG_USE', 2, 'demo', '--ledger', 'paper');
    await refused('WRONG_USE', 2, 'demo', '--region', 'Ö');
    await refused('WRONG_USE', 2, 'demo', '--network', folder);
    await refused('WRONG_USE', 2, 'demo', '--time-zone', 'Mars/Olympus');
    await refused('WRONG_USE', 2, 'verify');
    await refused('WRONG_USE', 2, 'verify', folder, '--cc-key', 'abc');
    await refused('WRONG_USE', 2, 'verify', join(folder, 'absent'));
    await refused('WRONG_USE', 2, 'relay', 'run');
    assert.deepEqual(await readdir(folder), []);
  });

  it('shows the help of a group that is named without a command, and nothing else, with exit code 2', async () => {
    for (const group of [[], ['readings']]) {
      const { code, stdout, stderr } = await gridveil(...group);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^Usage: gridveil/);
      assert.ok(!stderr.includes('outputHelp'), stderr);
    }
  });

  it('names a file that it cannot use, before any long work', async () => {
    const absent = join(folder, 'absent');
    for (const file of [folder, absent]) {
      const command = ['consumer', 'recompute', folder, '--handles', file];
      assert.ok((await refused('WRONG_USE', 2, ...command)).stderr.includes(file));
    }
    for (const plot of [folder, join(absent, 'plot.svg')]) {
      assert.ok((await refused('WRONG_USE', 2, 'research', 'anonymity', '--plot', plot)).stderr.includes(plot));
    }
    const text = join(folder, 'text');
    await writeFile(text, 'not JSON');
    assert.ok((await refused('MALFORMED', 1, 'verify', text)).stderr.includes(text));
  });

  it('names all that is wrong in a configuration, with exit code 2', async () => {
    const config = join(folder, 'relay.json');
    await writeFile(config, JSON.stringify({ region: 'TOO-LONG-A-NAME', layer: 99 }));
    const { stderr } = await refused('CONFIG_INVALID', 2, 'relay', 'run', '--config', config);
    for (const field of ['directory', 'region', 'layer', 'links', 'trustAnchor']) {
      assert.match(stderr, new RegExp(`^ {2}${field}`, 'm'));
    }
    await refused('CONFIG_INVALID', 2, 'meter', 'run', '--config', join(folder, 'absent.json'));
  });

  it('asks for --consumer when the configuration is that of a host of hubs', async () => {
    const config = join(folder, 'hubs.json');
    await writeFile(config, JSON.stringify({ region: 'r', hubs: [] }));
    const { stderr } = await refused('WRONG_USE', 2, 'consumer', 'bill', '--config', config);
    assert.match(stderr, /hubs\.json is the configuration of a host of hubs: expected --consumer$/m);
  });

  it('runs a party until SIGTERM, and logs when it is ready; its identity needs only its directory', async () => {
    keyFile = join(folder, 'key');
    await writeFile(keyFile, '00'.repeat(32), { mode: 0o600 });
    const config = join(folder, 'server.json');
    const directory = join(folder, 'server');
    await writeFile(config, JSON.stringify({ directory }));
    assert.match((await gridveil('bulletin', 'identity', '--config', config)).stdout, /^pin {2}[0-9a-f]{64}\n$/);

    await writeFile(config, JSON.stringify({ directory, bulletin: folder, listen: { host: '127.0.0.1', port: 0 } }));
    const party = spawn(process.execPath, [PROGRAM, 'bulletin', 'serve', '--config', config], {
      env: { PATH: process.env['PATH'], GRIDVEIL_KEY_FILE: keyFile },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [line] = (await once(party.stderr, 'data')) as [Buffer];
    const { msg, port } = JSON.parse(line.toString()) as { msg: string; port: number };
    assert.deepEqual([msg, port > 0], ['ready', true]);
    party.kill('SIGTERM');
    assert.deepEqual(await once(party, 'exit'), [0, null]);
  });

  it('reads a relay’s place from its configuration or gets it for a code, never both', async () => {
    const config = join(folder, 'relay.json');
    const settings = {
      directory: join(folder, 'relay'),
      region: 'r',
      links: { host: '127.0.0.1', port: 0, address: 'relay.invalid:7000' },
      controlCenter: {
        url: 'https://127.0.0.1:1',
        pin: '00'.repeat(32),
        linkAddress: 'cc.invalid:7000',
        linkPin: '00'.repeat(32),
      },
      trustAnchor: '00'.repeat(32),
    };
    const place = { operator: 'operator', layer: 1 };
    const code = { enrolmentCode: '00'.repeat(16) };
    for (const wrong of [{}, { operator: 'operator' }, { layer: 1, ...code }]) {
      await writeFile(config, JSON.stringify({ ...settings, ...wrong }));
      const { stderr } = await refused('CONFIG_INVALID', 2, 'relay', 'run', '--config', config);
      assert.match(stderr, /operator and layer, or an enrolmentCode/);
    }
    keyFile = join(folder, 'key');
    await writeFile(keyFile, '00'.repeat(32), { mode: 0o600 });
    for (const right of [place, code]) {
      await writeFile(config, JSON.stringify({ ...settings, ...right }));
      const told = await gridveil('relay', 'descriptor', '--config', config, '--json');
      assert.deepEqual(Object.keys(JSON.parse(told.stdout) as object), [
        ...['identity', 'linkPin'],
        ...('layer' in right ? ['operator', 'layer', 'address'] : []),
      ]);
    }
  });

  it('runs on simulated time only for a process that moves it', async () => {
    const config = join(folder, 'meter.json');
    await writeFile(config, '{}');
    await refused('CONFIG_INVALID', 2, 'meter', 'run', '--config', config, '--stepped-clock');
  });

  it('refuses to overwrite what is not a demo, and leaves it alone', async () => {
    await writeFile(join(folder, 'thesis.txt'), 'x');
    const { stderr } = await refused('WRONG_USE', 2, 'demo', '--out', folder);
    assert.match(stderr, /not empty/);
    assert.deepEqual(await readdir(folder), ['thesis.txt']);
  });

  it('refuses a network that it cannot use, and says what to do, before anything is begun', async () => {
    const demo = ['demo', '--ledger', 'fabric', '--network', folder, '--out', join(folder, 'out')];
    await refused('NOT_A_TEST_NETWORK', 2, ...demo);
    await writeFile(join(folder, 'network.sh'), '');
    await mkdir(join(folder, 'organizations'));
    assert.match((await refused('NOT_UP', 1, ...demo)).stderr, /\.\/network\.sh up/);
    await mkdir(join(folder, 'organizations', 'peerOrganizations', 'org1.example.com'), { recursive: true });
    assert.match((await refused('NOT_DEPLOYED', 1, ...demo)).stderr, /scripts\/deploy-to-test-network\.sh/);
    await mkdir(join(folder, 'gridveil'));
    await writeFile(join(folder, 'gridveil', 'topology.json'), '{}');
    assert.match((await refused('CONFIG_INVALID', 2, ...demo)).stderr, /topology\.json.*roles/s);
    assert.deepEqual((await readdir(folder)).sort(), ['gridveil', 'network.sh', 'organizations']);
  });

  it('refuses bad readings with their file and line, with exit code 1, before anything is begun', async () => {
    const file = join(folder, 'readings.csv');
    await writeFile(file, 'household,start,kwh\nA,2026-01-05T17:00:00Z,0.2\nA,2026-01-05T17:30:00Z,-1\n');
    const { stderr } = await refused('READINGS_INVALID', 1, 'demo', '--readings', file, '--out', join(folder, 'out'));
    assert.match(stderr, /readings\.csv:3: NEGATIVE/);
    await refused('READINGS_INVALID', 1, 'readings', 'check', file);
    assert.deepEqual(await readdir(folder), ['readings.csv']);
  });

  it('prints a result as text, or as one JSON object', async () => {
    const file = join(folder, 'readings.csv');
    await writeFile(file, 'household,start,kwh\nA,2026-01-05T17:00:00Z,0.2\nA,2026-01-05T17:30:00Z,0.300001\n');
    const json = await gridveil('readings', 'check', file, '--json');
    assert.deepEqual(JSON.parse(json.stdout), {
      file,
      households: 1,
      intervals: 2,
      intervalSeconds: 1_800,
      startSeconds: Date.UTC(2026, 0, 5, 17) / 1_000,
      averageMilliWattHours: '250000',
      skipped: [],
    });
    assert.match((await gridveil('readings', 'check', file)).stdout, /^average per interval +0\.25 kWh$/m);
  });

  it('prints the faults of a bulletin and exits with 1', async () => {
    await writeFile(join(folder, 'parameters.json'), '{}');
    const { code, stdout } = await gridveil('verify', folder);
    assert.equal(code, 1);
    assert.match(stdout, /^FAULT parameters\.json: MALFORMED: /m);
    assert.match(stdout, /^trusted key +none$/m);
    assert.match(stdout, /^no bulletin found: .*\n^FAILED: 1 fault$/m);
    const json = JSON.parse((await gridveil('verify', folder, '--json')).stdout) as { ok: boolean; faults: unknown[] };
    assert.deepEqual([json.ok, json.faults.length], [false, 1]);
  });
});
