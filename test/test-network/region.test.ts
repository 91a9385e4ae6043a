// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { requireShared } from '../support/shared-data.js';
import { filesUnder } from '../support/system/bulletin-files.js';
import { ROOT, NativeTestNetwork, type Ended } from '../support/native-test-network.js';

const READINGS = 'data/lcl_london_2013-11-11_7d_30min.csv';
const HOUSEHOLDS = '40';
const INTERVALS = '3';
const WARNING = 40; // pino's level

describe("a region on fabric-samples' test-network", function () {
  this.timeout(600_000);
  const network = NativeTestNetwork.use();
  const scratch = mkdtempSync(join(tmpdir(), 'gridveil-region-'));
  after(() => rmSync(scratch, { recursive: true, force: true }));

  const gridveil = (args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> =>
    network().run(process.execPath, [join(ROOT, 'scripts', 'gridveil.mjs'), ...args], environment);

  const run = async (out: string, flags: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> => {
    const choices = ['--meters', HOUSEHOLDS, '--intervals', INTERVALS, '--seed', 'london', '--region', 'london'];
    return gridveil(['demo', ...choices, '--out', out, '--json', ...flags], environment);
  };

  const figures = ({ code, stdout, stderr }: Ended): Record<string, unknown> => {
    assert.equal(code, 0, stderr);
    const json = JSON.parse(stdout) as Record<string, unknown>;
    const differing = ['ledger', 'seconds', 'bulletin'];
    return Object.fromEntries(Object.entries(json).filter(([name]) => !differing.includes(name)));
  };

  it("has the embedded ledger's figures and bytes, also when the chaincodes are upgraded meanwhile", async function () {
    const readings = ['--readings', requireShared(this, READINGS)];
    await network().up();
    const deployed = await network().deploy();
    assert.equal(deployed.code, 0, deployed.stderr);

    const onFabric = join(scratch, 'fabric');
    const flags = [...readings, '--ledger', 'fabric', '--network', network().directory, '--keep'];
    const running = run(onFabric, flags, { TMPDIR: scratch });
    let ended = false as boolean;
    void running.then(() => (ended = true));
    while (!ended && !sealed(onFabric)) {
      await pause(100);
    }
    const upgraded = await network().deploy(['-ccv', '1.1']);
    assert.equal(upgraded.code, 0, upgraded.stderr);
    assert.equal(ended, false, 'the upgrade was done before the run ended');
    const fabric = figures(await running);

    const onEmbedded = join(scratch, 'embedded');
    const GRIDVEIL_TOPOLOGY = join(network().state, 'topology.json');
    assert.deepEqual(fabric, figures(await run(onEmbedded, readings, { GRIDVEIL_TOPOLOGY })));
    assert.deepEqual(await filesUnder(onFabric), await filesUnder(onEmbedded));
    assert.deepEqual(warnings(), [], 'neither control center nor service provider had to ask the ledger again');
  });

  it('is verified by anyone, and rebuilt byte by byte from the blocks of Org2', async function () {
    const onFabric = join(scratch, 'fabric');
    if (!existsSync(onFabric)) {
      this.skip();
    }
    const verified = await gridveil(['verify', onFabric, '--json']);
    assert.equal(verified.code, 0, verified.stderr);
    const organization = join(network().directory, 'organizations', 'peerOrganizations', 'org2.example.com');
    const msp = join(organization, 'users', 'User1@org2.example.com', 'msp');
    const out = join(scratch, 'export');
    const identity = ['--msp', 'Org2MSP', '--certificate', join(msp, 'signcerts'), '--key', join(msp, 'keystore')];
    const profile = ['--profile', join(organization, 'connection-org2.json')];
    const exported = await gridveil([
      'bulletin',
      'export',
      ...profile,
      ...identity,
      '--region',
      'london',
      '--out',
      out,
    ]);
    assert.equal(exported.code, 0, exported.stderr);
    assert.deepEqual(await filesUnder(out), await filesUnder(onFabric));
  });

  it('is refused a second time under the same name, and gets a name of its own without one', async () => {
    const flags = ['--ledger', 'fabric', '--network', network().directory];
    const taken = await run(join(scratch, 'taken'), flags);
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /^gridveil: REGION_TAKEN: /m);
    const choices = ['--meters', '10', '--intervals', '1', '--k', '2', '--out', join(scratch, 'own'), '--json'];
    const own = figures(await gridveil(['demo', ...choices, ...flags]));
    assert.match(String(own['region']), /^run-[0-9a-z]{4}$/);
  });

  /** Whether an interval's consumption is on the bulletin: by then every party is at work. */
  function sealed(bulletin: string): boolean {
    return (
      existsSync(bulletin) &&
      readdirSync(bulletin, { recursive: true }).some((name) => String(name).endsWith('seals.json'))
    );
  }

  /** Warnings of the two parties that use the ledger, from the logs that --keep leaves. */
  function warnings(): string[] {
    const kept = readdirSync(scratch).filter((name) => name.startsWith('gridveil-demo-'));
    assert.equal(kept.length, 1);
    return ['control-center', 'service-provider'].flatMap((party) =>
      readFileSync(join(scratch, kept[0]!, 'logs', `${party}.log`), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{') && (JSON.parse(line) as { level: number }).level >= WARNING),
    );
  }
});
