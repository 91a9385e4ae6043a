// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { StatusCode } from '@hyperledger/fabric-gateway';
import { LEDGER_KINDS } from '../../protocol/ledger/row.js';
import { encodeSignedSeal } from '../../protocol/ledger/seal.js';
import { IntervalMaker, type FakeInterval } from '../support/interval.js';
import { requireFabric, requireOwn, requireSecondPeer, useLedger } from '../support/ledger/ledger-under-test.js';
import {
  Clients,
  useClients,
  CONSUMERS_MSP,
  CONTROL_CENTER_MSP,
  fakeRegion,
  RegionOnLedger,
  text,
} from '../support/ledger/region-on-ledger.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);
const SIX_PAGES = Array.from({ length: 2_600 }, (_, row) => row % 5);

describe('faults', function () {
  // A lost acknowledgement costs a client its whole wait for the commit before it asks again.
  this.timeout(400_000);
  const ledger = useLedger();
  const clients = useClients(ledger);

  const newRegion = async (name: string, meters = 10): Promise<[RegionOnLedger, IntervalMaker]> => {
    const kit = fakeRegion(name, { meters });
    const region = new RegionOnLedger(clients(), kit);
    await region.begin();
    return [region, new IntervalMaker(kit)];
  };

  it('the ordering leader killed in the middle of a run: every page and seal is committed exactly once', async function () {
    const own = requireOwn(this, ledger());
    const [region, maker] = await newRegion('leader', 100);
    const intervals = [maker.next(SIX_PAGES), maker.next(SIX_PAGES), maker.next(SIX_PAGES)];
    const leader = await own.orderingLeader('consumption');
    const run = (async () => {
      for (const interval of intervals) {
        await region.complete(interval);
      }
    })();
    await untilEvents(region, 5);
    await own.kill(leader);
    // Of several orderers the others go on; one alone comes back.
    if (leader === 'ledger') {
      await own.revive();
    }
    await run;
    await own.revive();
    await assertOnce(region, intervals);
  });

  it('the whole ledger stopped and started again: nothing is lost, and it continues', async function () {
    const own = requireOwn(this, ledger());
    const [region, maker] = await newRegion('restart');
    const interval = maker.next(ROWS);
    await region.complete(interval);
    const client = clients().of(CONSUMERS_MSP);
    const heights = await Promise.all(LEDGER_KINDS.map((kind) => client.height(kind)));
    await own.restart();
    assert.deepEqual(await Promise.all(LEDGER_KINDS.map((kind) => client.height(kind))), heights);
    for (const kind of LEDGER_KINDS) {
      const seal = await region.query(kind, 'GetSeal', interval.ledgerId.startSeconds);
      assert.equal(text(seal), text(encodeSignedSeal(interval[kind].seal)));
      const rows = await region.query(kind, 'GetPageRows', interval.ledgerId.startSeconds, 0);
      assert.deepEqual(Buffer.from(rows), Buffer.from(interval[kind].rows));
    }
    const next = maker.next(ROWS);
    await region.complete(next);
    await assertOnce(region, [interval, next]);
  });

  it("a client whose organisation's first peer does not answer continues with the second", async function () {
    requireSecondPeer(this, ledger());
    const kit = fakeRegion('failover');
    const profile = JSON.parse(readFileSync(ledger().connectionProfile(CONTROL_CENTER_MSP), 'utf8')) as {
      peers: Record<string, { url: string }>;
    };
    Object.values(profile.peers)[0]!.url = `grpcs://127.0.0.1:${await deadPort()}`;
    const path = join(ledger().directory, 'connection-dead-peer.json');
    writeFileSync(path, JSON.stringify(profile));
    const others = new Clients(ledger(), { [CONTROL_CENTER_MSP]: path });
    try {
      const region = new RegionOnLedger(others, kit);
      await region.begin();
      const interval = new IntervalMaker(kit).next(ROWS);
      await region.complete(interval);
      await assertOnce(region, [interval]);
      for await (const { blockNumber } of others.of(CONTROL_CENTER_MSP).chaincodeEvents('consumption', 0n)) {
        assert.ok(blockNumber > 0n);
        break;
      }
    } finally {
      others.close();
    }
  });

  it('one orderer down, if possible none that leads: nothing is lost (Fabric only)', async function () {
    const fabric = requireFabric(this, ledger());
    const [region, maker] = await newRegion('orderer');
    const leaders = await Promise.all(LEDGER_KINDS.map((kind) => fabric.orderingLeader(kind)));
    // Three orderers may each lead one of the three channels.
    const idle = fabric.orderers.find(({ name }) => !leaders.includes(name));
    await fabric.kill(idle?.name ?? leaders.at(-1)!);
    const interval = maker.next(ROWS);
    await region.complete(interval);
    await fabric.revive();
    const next = maker.next(ROWS);
    await region.complete(next);
    await assertOnce(region, [interval, next]);
  });

  it("one of the control center's peers killed in the middle of a run: clients continue (Fabric only)", async function () {
    const fabric = requireFabric(this, ledger());
    const [region, maker] = await newRegion('peer', 100);
    const intervals = [maker.next(SIX_PAGES), maker.next(ROWS)];
    const run = (async () => {
      for (const interval of intervals) {
        await region.complete(interval);
      }
    })();
    await untilEvents(region, 4);
    const { domain } = fabric.topology.organizations.find(({ mspId }) => mspId === CONTROL_CENTER_MSP)!;
    await fabric.kill(`peer0.${domain}`);
    await run;
    // A query of an organisation whose own peer runs no chaincode finds the other peer as well.
    await region.query('billing', 'GetSeal', intervals[0]!.ledgerId.startSeconds);
    await fabric.revive();
    await assertOnce(region, intervals);
  });

  /** Resolves when a region has made so many events on `consumption`. */
  async function untilEvents(region: RegionOnLedger, count: number): Promise<void> {
    let seen = 0;
    for await (const { payload } of clients().of(CONSUMERS_MSP).chaincodeEvents('consumption', 0n)) {
      if (text(payload).includes(`"region":"${region.kit.region}"`) && ++seen === count) {
        return;
      }
    }
  }

  /** Every header, page and seal of the intervals was written by exactly one valid transaction, with the right bytes. */
  async function assertOnce(region: RegionOnLedger, intervals: readonly FakeInterval[]): Promise<void> {
    const client = clients().of(CONSUMERS_MSP);
    for (const kind of LEDGER_KINDS) {
      const written = new Map<string, Uint8Array[]>();
      for await (const block of client.blocks(kind, 0n, (await client.height(kind)) - 1n)) {
        for (const { validationCode, endorsed } of block.transactions) {
          if (validationCode !== StatusCode.VALID) {
            continue;
          }
          for (const { namespace, key, value } of endorsed?.writes ?? []) {
            if (namespace === kind) {
              written.set(key, [...(written.get(key) ?? []), value!]);
            }
          }
        }
      }
      for (const { ledgerId, [kind]: expected } of intervals) {
        const prefix = `${region.kit.region}/${String(ledgerId.startSeconds).padStart(12, '0')}`;
        expected.pages.forEach((rows, page) => {
          const key = `page/${prefix}/${String(page).padStart(4, '0')}`;
          assert.deepEqual(
            written.get(key)?.map((value) => Buffer.from(value)),
            [Buffer.from(rows)],
            key,
          );
        });
        const seals = written.get(`seal/${prefix}`)?.map(text);
        assert.deepEqual(seals, [text(encodeSignedSeal(expected.seal))], `seal/${prefix} on ${kind}`);
        assert.equal(written.get(`header/${prefix}`)?.length, 1, `header/${prefix} on ${kind}`);
      }
    }
  }
});

/** A port on which nobody listens. */
function deadPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
