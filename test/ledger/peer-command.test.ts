// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NETWORK_FOLDER, readTopology, type Topology } from '../../network/topology/topology.js';
import { FabricNetwork } from '../../network/fabric/fabric-network.js';
import { decodeRow } from '../../protocol/ledger/row.js';
import { encodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { encodeSignedSeal } from '../../protocol/ledger/seal.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { IntervalMaker, type FakeInterval } from '../support/interval.js';
import { fabricEnvironment } from '../support/ledger/kind.js';
import { useLedger } from '../support/ledger/ledger-under-test.js';
import {
  useClients,
  CONTROL_CENTER_MSP,
  fakeRegion,
  RegionOnLedger,
  text,
} from '../support/ledger/region-on-ledger.js';

const run = promisify(execFile);
const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);
const MANUAL = join(NETWORK_FOLDER, '..', 'docs', 'OPERATIONS.md');

/** What the manual tells people to type: the block of shell commands under its heading on the `peer` command. */
function manualCommands(): string[] {
  const block = /^## \d+\. With the `peer` CLI alone$.*?^```sh\n(.*?)^```$/ms.exec(readFileSync(MANUAL, 'utf8'))?.[1];
  assert.ok(block, `${MANUAL} has the commands`);
  return block.replaceAll('\\\n', ' ').split('\n').filter(Boolean);
}

describe('the `peer` command, as the manual has it', function () {
  this.timeout(120_000);
  const ledger = useLedger();
  const kit = fakeRegion('demo');
  const clients = useClients(ledger);
  let interval: FakeInterval;

  before(async function () {
    // Fabric's own command, also against the embedded ledger.
    if (FabricNetwork.missingBinaries(fabricEnvironment()).includes('peer')) {
      this.skip();
    }
    const region = new RegionOnLedger(clients(), kit);
    await region.begin();
    interval = new IntervalMaker(kit).next(ROWS);
    await region.complete(interval);
  });

  /** Runs the manual's settings, then the one of its queries that calls `transaction` on a channel. */
  const answer = async (channel: string, transaction: string): Promise<string> => {
    const commands = manualCommands().map((line) => onLedger(line));
    const query = commands.find((line) => line.includes(`-C ${channel} `) && line.includes(`"${transaction}"`));
    assert.ok(query, `${transaction} on ${channel} is in the manual`);
    const settings = commands.filter((line) => line.startsWith('export '));
    const network = new FabricNetwork({ directory: ledger().directory, environment: fabricEnvironment() });
    const { stdout } = await run('bash', ['-euc', [...settings, endpoint(), query].join('\n')], {
      env: { ...network.environment, ORGS: ledger().organizations, FABRIC_LOGGING_SPEC: 'ERROR' },
    });
    return stdout.trim();
  };
  /** The manual is about the region `demo` and the organisations of the project's own topology. */
  const onLedger = (line: string): string => {
    const organisation = ({ organizations, roles }: Topology, role: 'controlCenter' | 'consumers') =>
      organizations.find(({ mspId }) => mspId === roles[role])!;
    const manual = readTopology(join(NETWORK_FOLDER, 'topology.json'));
    let changed = line.replaceAll('"demo"', JSON.stringify(kit.region));
    for (const role of ['controlCenter', 'consumers'] as const) {
      const [from, to] = [organisation(manual, role), organisation(ledger().topology, role)];
      changed = changed.replaceAll(from.domain, to.domain).replaceAll(from.mspId, to.mspId);
    }
    return changed;
  };
  /** The manual names the default port. */
  const endpoint = (): string => {
    const profile = JSON.parse(readFileSync(ledger().connectionProfile(CONTROL_CENTER_MSP), 'utf8')) as {
      peers: Record<string, { url: string }>;
    };
    return `export CORE_PEER_ADDRESS=${new URL(Object.values(profile.peers)[0]!.url).host}`;
  };

  it('the parameters', async () =>
    assert.equal(await answer('consumption', 'GetParameters'), text(encodeSignedParameters(kit.signedParameters))));

  it('a seal', async () =>
    assert.equal(await answer('consumption', 'GetSeal'), text(encodeSignedSeal(interval.consumption.seal))));

  it('the rows of a page', async () => {
    const page = JSON.parse(await answer('consumption', 'GetPage')) as { rows: { pseudonym: string; value: string }[] };
    const expected = splitRows(interval.consumption.rows).map(decodeRow);
    assert.deepEqual(
      page.rows.map(({ pseudonym, value }) => [pseudonym, value]),
      expected.map(({ pseudonym, value }) => [toHex(pseudonym), value.toString()]),
    );
  });

  it('the price', async () => {
    const { priceNanoPerKilowattHour } = JSON.parse(await answer('pricing', 'GetPrice')) as Record<string, string>;
    assert.equal(priceNanoPerKilowattHour, interval.price.toString());
  });

  it('the bills', async () => {
    const page = JSON.parse(await answer('billing', 'GetPage')) as { rows: { value: string }[] };
    const expected = splitRows(interval.billing.rows).map((row) => decodeRow(row).value.toString());
    assert.deepEqual(
      page.rows.map(({ value }) => value),
      expected,
    );
  });
});
