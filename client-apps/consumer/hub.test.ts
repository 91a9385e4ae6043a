// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { splitRows } from '../../protocol/ledger/page.js';
import { rowPseudonym, rowValue } from '../../protocol/ledger/row.js';
import { billOf } from '../../protocol/tariff/bill.js';
import { sealHubPacket } from '../../protocol/onion/hub-payload.js';
import { HouseholdUnderTest } from '../../test/support/household.js';
import type { BulletinSource } from '../bulletin/reader.js';
import { ClientError } from '../runtime/errors.js';
import { householdSummary } from './summary.js';

const SLOT = 300;
const L = 1_800;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

describe('Hub', () => {
  let root: string;
  let count = 0;
  before(() => (root = mkdtempSync(join(tmpdir(), 'gridveil-hub-'))));
  after(() => rmSync(root, { recursive: true }));

  const setUp = async (): Promise<HouseholdUnderTest> => {
    const household = new HouseholdUnderTest(join(root, String(count++)));
    await household.start();
    return household;
  };

  it('finds the rows and bills of its meter, adds them up, and agrees with the meter', async () => {
    const home = await setUp();
    let energy = 0n;
    let billed = 0n;
    for (let interval = 0; interval < 4; interval++) {
      for (const row of await home.window(interval, { energy: 1_234_567n })) {
        energy += rowValue(row);
        billed += billOf(home.bulletin.price(home.kit.startOf(interval)), rowValue(row));
      }
    }
    await home.finish(3);
    const { sums } = home.hub;
    assert.equal(sums.intervals, 4);
    assert.equal(sums.fullChecks, 4);
    assert.equal(sums.disputes, 0);
    assert.equal(sums.unpublished, 0);
    assert.equal(sums.onLedgerMilliWattHours, energy);
    assert.equal(sums.billedNanoCurrency, billed);
    const state = (await home.files.state())!;
    assert.equal(state.offset, 0n);
    assert.deepEqual(state.open, []);

    const summary = await householdSummary(state, home.files.intervals.all());
    assert.equal(summary.onLedgerMilliWattHours, energy.toString());
    assert.equal(summary.listed.length, 4);
    assert.equal(
      summary.listed.reduce((sum, { billNanoCurrency }) => sum + BigInt(billNanoCurrency), 0n),
      billed,
    );
    assert.equal(summary.meter?.measuredMilliWattHours, (4n * 1_234_567n).toString());
  });

  it('continues from its files after a restart', async () => {
    const home = await setUp();
    await home.window(0, { energy: 900_000n });
    await home.restartHub();
    await home.window(1, { energy: 900_000n });
    await home.restartHub();
    await home.finish(1);
    assert.equal(home.hub.sums.intervals, 2);
    assert.equal(home.hub.sums.onLedgerMilliWattHours, 1_800_000n);
    assert.equal(home.hub.sums.disputes, 0);
  });

  it('heals lost packets by the handles in later ones, also when the interval has been verified', async () => {
    const home = await setUp();
    await home.window(0, { energy: 1_350_000n, lose: () => true });
    await home.window(1, { energy: 0n, lose: (slot) => slot < 3 });
    assert.equal(home.hub.sums.intervals, 1);
    assert.equal(home.hub.sums.rows, 0, 'no handle has come');
    await home.window(2, { energy: 0n });
    await home.finish(2);
    assert.equal(home.hub.sums.onLedgerMilliWattHours, 1_350_000n);
    assert.equal(home.hub.sums.rows, 4);
    assert.equal(home.hub.sums.unpublished, 0);
    assert.equal((await home.files.intervals.get(home.kit.startOf(0)))?.rows.length, 4);
    assert.equal(home.hub.sums.disputes, 0);
  });

  it('counts a row once, though its handle comes again', async () => {
    const home = await setUp();
    home.meter.energy.set(home.kit.startOf(0), 800_000n);
    await home.window(0);
    const replayed: Uint8Array[] = [];
    const drained = home.mailbox.splice(0);
    home.mailbox.push(...drained, ...drained);
    replayed.push(...drained);
    await home.window(1, { energy: 0n });
    home.mailbox.push(...replayed);
    await home.window(2, { energy: 0n });
    await home.finish(2);
    assert.equal(home.hub.sums.rows, 1);
    assert.equal(home.hub.sums.onLedgerMilliWattHours, 800_000n);
  });

  it('knows what was suppressed, and that its energy comes again', async () => {
    const home = await setUp();
    await home.window(0, { energy: 1_200_000n, publish: (row) => rowValue(row) !== 800_000n });
    for (let interval = 1; interval < 5; interval++) {
      await home.window(interval, { energy: 0n });
    }
    await home.finish(4);
    assert.equal(home.hub.sums.unpublished, 1);
    assert.equal(home.hub.sums.onLedgerMilliWattHours, 1_200_000n);
    assert.equal(home.hub.sums.disputes, 0, 'leaving out is the rule, not a fault');
    assert.equal((await home.files.state())!.offset, 0n);
  });

  it('says so when rows that the meter reported are not to be found', async () => {
    const home = await setUp();
    await home.window(0, { energy: 400_000n });
    // 23 rows whose handles are in lost packets only; the newest 16 of them come in later packets.
    const lost: Uint8Array[] = [];
    for (const [index, energy] of [2_400_000n, 8_000_000n, 8_000_000n].entries()) {
      lost.push(...(await home.window(1 + index, { energy, lose: () => true })));
    }
    assert.equal(lost.length, 23);
    await home.window(4, { energy: 0n });
    await home.window(5, { energy: 0n });
    await home.finish(5);
    const disputes = await home.files.disputes.list();
    assert.deepEqual(
      disputes.map(({ kind, faults }) => [kind, faults.map(({ code }) => code)]),
      [['meter', ['METER_TOTALS']]],
    );
    const missing = lost.slice(0, -16).reduce((sum, row) => sum + rowValue(row), 0n);
    assert.match(disputes[0]!.faults[0]!.message, new RegExp(` ${missing} mWh `));
    assert.equal((await home.files.state())!.offset, missing);
  });

  it('reads the same files whatever becomes of its rows', async () => {
    const reads = async (publish: (row: Uint8Array) => boolean, lose: (slot: number) => boolean): Promise<string[]> => {
      const home = await setUp();
      const names: string[] = [];
      const readFile = home.bulletin.readFile.bind(home.bulletin);
      const readDirectory = home.bulletin.readDirectory.bind(home.bulletin);
      home.bulletin.readFile = (...args) => (names.push(args.join(' ')), readFile(...args));
      home.bulletin.readDirectory = (...args) => (names.push(args.join(' ')), readDirectory(...args));
      for (let interval = 0; interval < 6; interval++) {
        const own = interval === 2 ? { energy: 1_350_000n, publish, lose } : { energy: 0n };
        await home.window(interval, own);
        if (interval === 4) {
          await home.restartHub();
        }
      }
      await home.finish(5);
      assert.equal(home.hub.sums.intervals, 6);
      return names;
    };
    const usual = await reads(
      () => true,
      () => false,
    );
    const leftOut = await reads(
      (row) => rowValue(row) !== 800_000n,
      () => false,
    );
    const late = await reads(
      () => true,
      () => true,
    );
    assert.deepEqual(leftOut, usual);
    assert.deepEqual(late, usual);
  });

  it('counts late rows once when it dies while it keeps them', async () => {
    const home = await setUp();
    await home.window(0, { energy: 1_350_000n, lose: () => true });
    await home.window(1, { energy: 0n, lose: (slot) => slot < 3 });
    const write = home.files.write.bind(home.files);
    home.files.write = () => Promise.reject(new Error('killed'));
    await assert.rejects(home.window(2, { energy: 0n }), /killed/);
    home.files.write = write;
    await home.restartHub();
    await home.finish(2);
    assert.equal(home.hub.sums.onLedgerMilliWattHours, 1_350_000n);
    assert.equal(home.hub.sums.rows, 4);
    assert.equal(home.hub.sums.unpublished, 0);
  });

  it('counts a row once when the mailbox gives out old packets again', async () => {
    const home = await setUp();
    const packets: Uint8Array[] = [];
    const slot = home.meter.slot.bind(home.meter);
    home.meter.slot = async (time) => {
      const opened = await slot(time);
      if (opened !== undefined) {
        packets.push(opened.mailboxPacket);
      }
      return opened;
    };
    // More rows than a hub would remember by four packets.
    for (let interval = 0; interval < 6; interval++) {
      await home.window(interval, { energy: 13_450_000n });
    }
    const { rows, onLedgerMilliWattHours } = home.hub.sums;
    home.mailbox.push(...packets.slice(0, -6));
    await home.finish(5);
    const { sums } = home.hub;
    assert.equal(sums.unpublished, 0);
    assert.ok(sums.rows > rows && sums.onLedgerMilliWattHours > onLedgerMilliWattHours);
    assert.equal((await home.files.state())!.offset, 0n);
  });

  it('continues when its meter claims more rows than a meter can have', async () => {
    const home = await setUp();
    const claimed = await home.window(0, { energy: 0n });
    assert.equal(claimed.length, 0);
    const { kit } = home;
    const rows = splitRows((await home.bulletin.readFile('', kit.startOf(0), 'consumption.rows'))!);
    for (let copy = 0; copy < 3; copy++) {
      for (let first = 0; first < rows.length; first += 16) {
        const handles = rows
          .slice(first, first + 16)
          .map((row, i) => ({ epoch: 0, k: 1 + copy * 100 + first + i, pseudonym: rowPseudonym(row) }));
        const totals = { measuredMilliWattHours: 0n, carriedMilliWattHours: 0n };
        const payload = { slotStartSeconds: kit.startOf(0) + 2 * L - SLOT, ...totals, handles };
        home.mailbox.push(sealHubPacket(kit.crypto, { hub: home.identity.keys, epoch: 0, payload, random }));
      }
    }
    await home.window(1, { energy: 0n });
    await home.restartHub();
    await home.finish(1);
    assert.equal(home.hub.sums.intervals, 2);
    const logged = (await home.files.intervals.get(kit.startOf(0)))!;
    assert.equal(logged.rows.length, rows.length, 'each row once');
  });

  it('reads and verifies whether its mailbox answers or not', async () => {
    const home = await setUp();
    await home.window(0, { energy: 0n });
    const reads: string[] = [];
    const readFile = home.bulletin.readFile.bind(home.bulletin);
    home.bulletin.readFile = (...args) => (reads.push(args[2]), readFile(...args));
    let giveUp: (error: Error) => void = () => undefined;
    const silent = new Promise<Uint8Array[]>((_, reject) => (giveUp = reject));
    const slot = home.hubSlot(home.kit.startOf(0) + 2 * L + SLOT, () => silent);
    while (reads.length < 5) {
      await new Promise((resume) => setImmediate(resume));
    }
    giveUp(new ClientError('UNREACHABLE', 'no answer'));
    await slot;
    assert.equal(home.hub.sums.intervals, 1);
  });

  it('takes a mirror that lies, or has less, for a failure of that mirror', async () => {
    const home = await setUp();
    const { bulletin } = home;
    /** Rows with a changed byte, and none at all. */
    const mirror = (change: (rows: Uint8Array) => Uint8Array | undefined): BulletinSource => ({
      readParameters: () => bulletin.readParameters(),
      readDirectory: (...args) => bulletin.readDirectory(...args),
      readConsumers: (...args) => bulletin.readConsumers(...args),
      readFile: async (...args) => {
        const bytes = await bulletin.readFile(...args);
        return bytes && args[2] === 'billing.rows' ? change(bytes) : bytes;
      },
      close: () => undefined,
    });
    home.mirrors = [mirror((rows) => rows.map((byte) => byte ^ 1)), mirror(() => undefined), bulletin];
    await home.restartHub();
    for (let interval = 0; interval < 4; interval++) {
      await home.window(interval, { energy: 400_000n });
    }
    await home.finish(3);
    assert.deepEqual([home.hub.sums.intervals, home.hub.sums.rows, home.hub.sums.disputes], [4, 4, 0]);

    home.mirrors = home.mirrors.slice(0, 2);
    await home.restartHub();
    await home.window(4, { energy: 0n });
    await home.finish(4);
    assert.equal(home.hub.sums.disputes, 1, 'all of them show a fault');
  });

  it('opens packets of its own meter only', async () => {
    const home = await setUp();
    const { kit, identity } = home;
    const payload = {
      slotStartSeconds: kit.startOf(0) + L,
      measuredMilliWattHours: 1n,
      carriedMilliWattHours: 0n,
      handles: [{ epoch: 0, k: 1, pseudonym: random(32) }],
    };
    const stranger = { ...identity.keys, pairingKey: random(32) };
    home.mailbox.push(sealHubPacket(kit.crypto, { hub: stranger, epoch: 0, payload, random }), random(699), random(5));
    await home.hubSlot(kit.startOf(0) + L + SLOT);
    assert.deepEqual((await home.files.state())!.open, []);
    home.mailbox.push(sealHubPacket(kit.crypto, { hub: identity.keys, epoch: 0, payload, random }));
    await home.hubSlot(kit.startOf(0) + L + 2 * SLOT);
    assert.equal((await home.files.state())!.open.length, 1, 'the same packet from the meter is taken');
  });
});
