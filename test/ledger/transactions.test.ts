// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { StatusCode } from '@hyperledger/fabric-gateway';
import type { LedgerEvent } from '../../client-apps/ledger/index.js';
import { encodeHeader, type Header } from '../../protocol/ledger/header.js';
import { LEDGER_KINDS } from '../../protocol/ledger/row.js';
import { encodeSignedSeal } from '../../protocol/ledger/seal.js';
import { IntervalMaker, type FakeInterval } from '../support/interval.js';
import { requireSecondPeer, useLedger } from '../support/ledger/ledger-under-test.js';
import {
  commit,
  endorse,
  endorsedInstead,
  endorsedPayloads,
  openGateway,
  peerIdentity,
  type Invocation,
} from '../support/ledger/raw-gateway.js';
import type { GatewayPool } from '../../client-apps/ledger/gateway-pool.js';
import {
  useClients,
  CONSUMERS_MSP,
  CONTROL_CENTER_MSP,
  pageArguments,
  fakeRegion,
  RegionOnLedger,
  SERVICE_PROVIDER_MSP,
  text,
} from '../support/ledger/region-on-ledger.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);
const OTHER_ROWS = Array.from({ length: 30 }, (_, row) => row % 5);

describe('transactions', function () {
  this.timeout(120_000);
  const ledger = useLedger();
  const kit = fakeRegion('transact');
  const maker = new IntervalMaker(kit);
  const clients = useClients(ledger);
  let region: RegionOnLedger;
  let controlCenter: GatewayPool | undefined;

  before(async () => {
    region = new RegionOnLedger(clients(), kit);
    controlCenter = openGateway(ledger(), CONTROL_CENTER_MSP);
    await region.begin();
  });
  after(() => {
    controlCenter?.close();
  });

  const header = (content: Header): Invocation => ({
    channel: content.kind,
    transaction: 'PutHeader',
    args: [text(encodeHeader(content))],
  });
  const page = ({ ledgerId, consumption, witnesses }: FakeInterval): Invocation => ({
    channel: 'consumption',
    transaction: 'PutPage',
    args: pageArguments(ledgerId, 0),
    transient: region.transient('consumption', consumption.pages[0]!, witnesses[0]),
  });

  it('of two that exclude each other, the second is an MVCC conflict', async () => {
    const [other, interval] = [new IntervalMaker(kit).next(OTHER_ROWS), maker.next(ROWS)];
    const [first, second] = [
      await endorse(controlCenter!, header(other.consumption.header)),
      await endorse(controlCenter!, header(interval.consumption.header)),
    ];
    assert.equal(await commit(first), StatusCode.VALID);
    assert.equal(await commit(second), StatusCode.MVCC_READ_CONFLICT);
    // The project's client asks again, against what stands by then.
    await region.complete(interval);
  });

  it('a page that comes after the seal, though endorsed before it, is an MVCC conflict', async () => {
    const interval = maker.next(ROWS);
    await region.putHeader(interval.consumption.header);
    const late = await endorse(controlCenter!, page(interval));
    await region.complete(interval);
    assert.equal(await commit(late), StatusCode.MVCC_READ_CONFLICT);
  });

  it('the same bytes again succeed, and write nothing', async () => {
    const interval = maker.next(ROWS);
    await region.complete(interval);
    const again = [
      await region.putHeader(interval.consumption.header),
      await region.putPage('consumption', {
        ledgerId: interval.ledgerId,
        page: 0,
        rows: interval.consumption.rows,
        witnesses: interval.witnesses[0],
      }),
      await region.putSeal(interval.consumption.seal),
    ];
    for (const { blockNumber, transactionId } of again) {
      for await (const block of clients().of(CONSUMERS_MSP).blocks('consumption', blockNumber, blockNumber)) {
        const transaction = block.transactions.find(({ id }) => id === transactionId);
        assert.equal(transaction?.validationCode, StatusCode.VALID);
        assert.deepEqual(transaction.endorsed?.writes, []);
        assert.equal(transaction.endorsed.event, undefined);
      }
    }
  });

  it("another organisation's endorsement is refused at commit", async () => {
    const interval = maker.next(ROWS);
    const before = await clients().of(CONSUMERS_MSP).height('consumption');
    for (const mspId of new Set([SERVICE_PROVIDER_MSP, CONSUMERS_MSP])) {
      const endorsed = await endorse(controlCenter!, header(interval.consumption.header));
      const forged = await endorsedInstead(controlCenter!, endorsed, peerIdentity(ledger(), mspId));
      assert.equal(await commit(forged), StatusCode.ENDORSEMENT_POLICY_FAILURE, mspId);
    }
    const stolen = {
      ...peerIdentity(ledger(), CONTROL_CENTER_MSP),
      privateKeyPem: peerIdentity(ledger(), SERVICE_PROVIDER_MSP).privateKeyPem,
    };
    const endorsed = await endorse(controlCenter!, header(interval.consumption.header));
    const forged = await endorsedInstead(controlCenter!, endorsed, stolen);
    assert.equal(await commit(forged), StatusCode.ENDORSEMENT_POLICY_FAILURE, "the control center's certificate");
    // They stand in blocks, and changed nothing.
    assert.ok((await clients().of(CONSUMERS_MSP).height('consumption')) > before);
    await assert.rejects(region.query('consumption', 'GetHeader', interval.ledgerId.startSeconds), {
      code: 'NOT_FOUND',
    });
    await region.complete(interval);
  });

  it("each of the control center's peers endorses the same bytes", async function () {
    requireSecondPeer(this, ledger());
    const interval = maker.next(ROWS);
    const { ledgerId } = interval;
    const invocations: Invocation[] = [
      header(interval.consumption.header),
      { channel: 'consumption', transaction: 'GetParameters', args: [kit.region, 'latest'] },
    ];
    for (const invocation of invocations) {
      await assertSame(invocation);
    }
    await region.putHeader(interval.consumption.header);
    await assertSame(page(interval));
    await region.fill('consumption', interval);
    await assertSame({
      channel: 'consumption',
      transaction: 'PutSeal',
      args: [text(encodeSignedSeal(interval.consumption.seal))],
    });
    await region.complete(interval);
    for (const kind of LEDGER_KINDS) {
      for (const transaction of ['GetPage', 'GetPageRows']) {
        await assertSame({ channel: kind, transaction, args: pageArguments(ledgerId, 0) });
      }
    }

    async function assertSame(invocation: Invocation): Promise<void> {
      const [one, ...others] = await endorsedPayloads(ledger(), invocation);
      assert.equal(others.length, 1);
      assert.deepEqual(Buffer.from(one!), Buffer.from(others[0]!), invocation.transaction);
    }
  });

  it('events are replayed from block 0, and from any later block', async () => {
    for (const kind of LEDGER_KINDS) {
      const client = clients().of(SERVICE_PROVIDER_MSP);
      const expected: string[] = [];
      const height = await client.height(kind);
      for await (const block of client.blocks(kind, 0n, height - 1n)) {
        for (const { id, validationCode, endorsed } of block.transactions) {
          if (validationCode !== StatusCode.VALID || endorsed?.event === undefined) {
            continue;
          }
          const { name, payload } = endorsed.event;
          expected.push(`${block.number} ${id} ${name} ${text(payload)}`);
        }
      }
      assert.ok(expected.length >= 3, kind);
      const replayed = await take(client.chaincodeEvents(kind, 0n), expected.length);
      assert.deepEqual(replayed, expected, kind);
      const middle = expected[expected.length >> 1]!;
      const start = BigInt(middle.split(' ')[0]!);
      const later = expected.filter((line) => BigInt(line.split(' ')[0]!) >= start);
      assert.deepEqual(await take(client.chaincodeEvents(kind, start), later.length), later, kind);
    }

    async function take(events: AsyncIterable<LedgerEvent>, count: number): Promise<string[]> {
      const lines: string[] = [];
      for await (const { blockNumber, transactionId, name, payload } of events) {
        lines.push(`${blockNumber} ${transactionId} ${name} ${text(payload)}`);
        if (lines.length === count) {
          break;
        }
      }
      return lines;
    }
  });

  it('every contract tells its own metadata', async () => {
    const names = { consumption: 'ConsumptionContract', pricing: 'PricingContract', billing: 'BillingContract' };
    for (const kind of LEDGER_KINDS) {
      const answer = await clients().of(CONSUMERS_MSP).evaluate(kind, 'org.hyperledger.fabric:GetMetadata');
      const { contracts } = JSON.parse(text(answer)) as {
        contracts: Record<string, { transactions: { name: string }[] }>;
      };
      const transactions = contracts[names[kind]]?.transactions.map(({ name }) => name) ?? [];
      for (const name of ['PutHeader', 'PutPage', 'PutSeal', 'GetHeader', 'GetPage', 'GetPageRows', 'GetSeal']) {
        assert.ok(transactions.includes(name), `${kind}: ${name}`);
      }
    }
  });
});
