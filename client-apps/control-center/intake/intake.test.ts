// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { sodiumCrypto as crypto } from '../../../protocol/crypto/sodium.js';
import { ROW_OFFSET } from '../../../protocol/ledger/row.js';
import { sealControlCenterPacket, type PacketRow } from '../../../protocol/onion/control-center-payload.js';
import { intervalContext } from '../../../protocol/rules/interval-context.js';
import { IntervalMaker } from '../../../test/support/interval.js';
import type { FakeMeter } from '../../../test/support/fake-meter.js';
import { FakeRegion } from '../../../test/support/region.js';
import { SteppedClock } from '../../runtime/clock.js';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import type { Epoch } from '../epochs/epochs.js';
import { GroupCommit } from './group-commit.js';
import { Intake } from './intake.js';
import { IntakeCounter, type IntakeCounts } from './intake-counts.js';
import type { IntakeState } from './intake-state.js';
import type { Meter } from '../registration/roster.js';
import { OpenInterval } from '../intervals/open-intervals.js';
import { Chains, MAXIMUM_FORWARD_JUMP } from './pseudonym-chain.js';
import { decodeAcceptedPacket } from './accepted-packet.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

describe('client-apps/control-center/intake', () => {
  const kit = new FakeRegion({ meters: 3 });
  const { region } = kit;
  const start = kit.startOf(0);
  const slot = start + kit.parameters.intervalSeconds;
  const secretKey = kit.secret('onion');
  const onionKey = { epoch: 0, secretKey, publicKey: crypto.x25519PublicKey(secretKey) };
  let maker: IntervalMaker;
  let interval: OpenInterval;
  let counter: IntakeCounter;
  let chains: Chains;
  let clock: SteppedClock;
  let intake: Intake;
  let journalled: StoreChange[];

  beforeEach(begin);

  function begin(): void {
    maker = new IntervalMaker(kit);
    interval = new OpenInterval(intervalContext(crypto, kit.parameters, start));
    counter = new IntakeCounter();
    chains = new Chains();
    journalled = [];
    const store = { batch: (changes: StoreChange[]) => Promise.resolve(void journalled.push(...changes)) };
    const secrets = new Map(
      kit.meters.map((meter) => [meter.number, { identity: meter.identity, ...meter.secretsOf(0) }]),
    );
    const epoch = { number: 0, onionKey, secrets } as unknown as Epoch;
    const epochs = { get: (number: number) => (number === 0 ? epoch : undefined) };
    const intervals = {
      ofSlot: (seconds: number) => {
        if (seconds < slot) {
          return 'closed' as const;
        }
        return seconds < slot + kit.parameters.intervalSeconds ? interval : undefined;
      },
    };
    clock = new SteppedClock(slot * 1_000);
    const state = { intervals, chains, counter } as unknown as IntakeState;
    const journal = new GroupCommit(store as unknown as SealedStore);
    const byNumber = (): Meter => ({ connectionLimitWatts: 20_000 }) as Meter;
    const log = pino({ level: 'silent' });
    intake = new Intake({ clock, log, epochs, state, journal, roster: { byNumber } });
  }

  /** A meter's next row. */
  function row(meter: FakeMeter, category = 0, startSeconds = start): PacketRow {
    const { row: bytes, witness } = maker.consumptionRow({ region, startSeconds }, meter, category);
    return { k: witness.k, row: bytes };
  }

  function packet(
    meter: FakeMeter,
    rows: readonly PacketRow[],
    changes: { slotStartSeconds?: number; meterNumber?: number; linkKey?: Uint8Array } = {},
  ): Uint8Array {
    const payload = { meterNumber: meter.number, epoch: 0, slotStartSeconds: slot, rows, ...changes };
    return sealControlCenterPacket(crypto, {
      onionKey: onionKey.publicKey,
      payload,
      linkKey: changes.linkKey ?? meter.secretsOf(0).linkKey,
      random,
    });
  }

  async function countsAfter(...packets: Uint8Array[]): Promise<Partial<IntakeCounts>> {
    for (const bytes of packets) {
      await intake.receive(bytes);
    }
    return Object.fromEntries(
      Object.entries(counter.take()).filter(([, count]) =>
        typeof count === 'number' ? count > 0 : Object.keys(count as object).length > 0,
      ),
    );
  }

  const [first, second] = kit.meters as [FakeMeter, FakeMeter];

  it('accepts rows and fillers and journals each packet once', async () => {
    const rows = [row(first, 0), row(first, 4)];
    assert.deepEqual(await countsAfter(packet(first, rows), packet(second, [])), { packets: 2, rows: 2 });
    assert.equal(interval.rows.length, 2);
    assert.equal(interval.missedSlots(first.number), 5);
    assert.equal(interval.missedSlots(2), 6);
    const [kept, filler] = journalled.map(({ value }) => decodeAcceptedPacket(value!));
    assert.deepEqual(
      kept!.rows.map(({ k }) => k),
      [1, 2],
    );
    assert.deepEqual(
      Buffer.from(kept!.rows[1]!.previous),
      Buffer.from(rows[0]!.row.subarray(ROW_OFFSET.pseudonym, ROW_OFFSET.time)),
    );
    assert.deepEqual(
      { ...filler, rows: filler!.rows.length },
      { meterNumber: second.number, slotStartSeconds: slot, rows: 0 },
    );
  });

  it('counts a packet that comes again, and a second one for the same slot, and accepts neither', async () => {
    const bytes = packet(first, [row(first)]);
    assert.deepEqual(await countsAfter(bytes, bytes), { packets: 1, rows: 1, replays: 1 });
    assert.deepEqual(await countsAfter(packet(first, [row(first)])), { replays: 1 });
    assert.equal(interval.rows.length, 1);
  });

  it('accepts a row once however often the meter repeats it', async () => {
    const one = row(first);
    const two = row(first);
    assert.deepEqual(await countsAfter(packet(first, [one])), { packets: 1, rows: 1 });
    const next = packet(first, [two, one], { slotStartSeconds: slot + 300 });
    clock.advance((slot + 300) * 1_000);
    assert.deepEqual(await countsAfter(next), { packets: 1, rows: 1, repeats: 1 });
  });

  it('accepts a row that comes after a later one, as a repeat of what was lost', async () => {
    const [lost, later] = [row(first), row(first)];
    assert.deepEqual(await countsAfter(packet(first, [later, lost])), { packets: 1, rows: 2 });
  });

  it('refuses a forged MAC, an unknown meter, and another meter’s number', async () => {
    assert.deepEqual(await countsAfter(packet(first, [row(first)], { linkKey: random(32) })), { forged: 1 });
    assert.deepEqual(await countsAfter(packet(first, [row(first)], { meterNumber: 99 })), { unregistered: 1 });
    assert.deepEqual(await countsAfter(packet(first, [row(first)], { meterNumber: second.number })), { forged: 1 });
    assert.equal(journalled.length, 0);
  });

  it('refuses what does not open: garbage, a changed byte, another epoch', async () => {
    const changed = packet(first, [row(first)]);
    changed[changed.length - 1]! ^= 1;
    const otherEpoch = packet(first, [row(first)]);
    otherEpoch[2]! ^= 1;
    assert.deepEqual(await countsAfter(random(30), new Uint8Array(0), changed, otherEpoch), { unreadable: 4 });
  });

  it('refuses another meter’s row and leaves both chains as they were', async () => {
    assert.deepEqual(await countsAfter(packet(first, [row(second)])), {
      packets: 1,
      refusedRows: { WRONG_PSEUDONYM: 1 },
    });
    clock.advance((slot + 300) * 1_000);
    const good = packet(first, [row(first)], { slotStartSeconds: slot + 300 });
    assert.deepEqual(await countsAfter(good), { packets: 1, rows: 1 });
  });

  it('refuses a row whose value, key or signature was changed', async () => {
    for (const [offset, code] of [
      [ROW_OFFSET.value + 15, 'BAD_CATEGORY'],
      [ROW_OFFSET.signaturePublicKey, 'WRONG_KEY'],
      [ROW_OFFSET.signature + 40, 'BAD_SIGNATURE'],
      [ROW_OFFSET.type, 'WRONG_TYPE'],
      [ROW_OFFSET.time + 15, 'WRONG_TIME'],
    ] as const) {
      begin();
      const { k, row: bytes } = row(first);
      bytes[offset]! ^= 1;
      assert.deepEqual(await countsAfter(packet(first, [{ k, row: bytes }])), {
        packets: 1,
        refusedRows: { [code]: 1 },
      });
      assert.equal(interval.rows.length, 0);
    }
  });

  it('refuses a row of another ledger', async () => {
    const other = row(first, 0, start + kit.parameters.intervalSeconds);
    assert.deepEqual(await countsAfter(packet(first, [other])), { packets: 1, refusedRows: { WRONG_LEDGER: 1 } });
  });

  it('refuses packets for a closed window, for a time that is not a slot, and for one that is yet to come', async () => {
    assert.deepEqual(await countsAfter(packet(first, [], { slotStartSeconds: slot - 300 })), { late: 1 });
    assert.deepEqual(await countsAfter(packet(first, [], { slotStartSeconds: slot + 1 })), { misplaced: 1 });
    assert.deepEqual(await countsAfter(packet(first, [], { slotStartSeconds: slot + 300 })), { misplaced: 1 });
    assert.deepEqual(await countsAfter(packet(first, [], { slotStartSeconds: slot + 1_800 })), { misplaced: 1 });
    assert.deepEqual(await countsAfter(packet(first, [], { slotStartSeconds: Number.MAX_SAFE_INTEGER })), {
      misplaced: 1,
    });
    assert.equal(journalled.length, 0);
  });

  it('follows a jump of k up to the bound and not beyond, and never back behind the base', async () => {
    const rows = Array.from({ length: 4 }, () => row(first));
    // A row that says it is far ahead: the pseudonym is wrong, but what is derived to see it is bounded.
    const beyond = { ...rows[0]!, k: MAXIMUM_FORWARD_JUMP + 1 };
    const within = { ...rows[0]!, k: MAXIMUM_FORWARD_JUMP };
    assert.deepEqual(await countsAfter(packet(first, [beyond, within])), {
      packets: 1,
      refusedRows: { K_RANGE: 1, WRONG_PSEUDONYM: 1 },
    });
    clock.advance((slot + 300) * 1_000);
    const jump = packet(first, [rows[3]!], { slotStartSeconds: slot + 300 });
    assert.deepEqual(await countsAfter(jump), { packets: 1, rows: 1 });
    chains.of(0, first.number, first.identity).moveBase(4);
    clock.advance((slot + 600) * 1_000);
    const behind = packet(first, [rows[1]!], { slotStartSeconds: slot + 600 });
    assert.deepEqual(await countsAfter(behind), { packets: 1, refusedRows: { K_RANGE: 1 } });
  });
});
