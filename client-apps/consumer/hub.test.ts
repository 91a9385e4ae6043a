// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatBytes, fromHex, toHex } from '../../protocol/crypto/bytes.js';
import { decodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { ROW_LENGTH, ROW_OFFSET, rowPseudonym, rowValue } from '../../protocol/ledger/row.js';
import { billOf } from '../../protocol/money/bill.js';
import { sealHubPacket } from '../../protocol/onion/hub-payload.js';
import { verifyParametersList } from '../../protocol/rules/check-parameters.js';
import { auditInterval } from '../../protocol/rules/verify-interval.js';
import { IntervalMaker } from '../../test/interval-kit.js';
import { MemoryBulletin, type Tampering } from '../../test/memory-bulletin.js';
import { MeterKit } from '../../test/meter-kit.js';
import { RegionKit } from '../../test/region-kit.js';
import { DirectoryBulletin } from '../common/bulletin-reader.js';
import { createLog } from '../common/log.js';
import { slotAt } from '../common/slot-schedule.js';
import { TrustedBulletin } from '../common/trusted-bulletin.js';
import { fetchInterval } from './check-interval.js';
import { HubFiles } from './hub-files.js';
import { Hub } from './hub.js';
import { hubIdentity } from './identity.js';
import { NO_SUMS, type HubState } from './state.js';
import { householdSummary } from './summary.js';

const SLOT = 300;
const L = 1_800;
const FILE_KEY = new Uint8Array(32).fill(7);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** A household: its meter, its hub, and neighbours enough for k-anonymity. */
class Household {
  readonly kit = new RegionKit();
  readonly bulletin = new MemoryBulletin(this.kit);
  readonly meter: MeterKit;
  readonly files: HubFiles;
  readonly neighbours = new IntervalMaker(this.kit);
  readonly mailbox: Uint8Array[] = [];
  readonly identity;
  hub!: Hub;

  constructor(
    readonly directory: string,
    private readonly fullCheckEvery = 1,
  ) {
    this.bulletin.publishDirectory(0);
    this.identity = hubIdentity(this.kit.crypto, random(32));
    this.meter = new MeterKit(this.kit, this.bulletin, this.identity.keys);
    this.files = new HubFiles(directory, FILE_KEY);
  }

  async start(): Promise<void> {
    await this.meter.enrol();
    await this.files.write({
      certificate: 'PEM',
      trustAnchor: fromHex(this.#trustAnchor()),
      nextSeconds: this.kit.startOf(0),
      previousSeals: undefined,
      suspectSeconds: undefined,
      open: [],
      seen: [],
      totals: [],
      offset: undefined,
      leftOutSeconds: undefined,
      sums: NO_SUMS,
    });
    await this.restartHub();
  }

  /** Starts the hub from what its files hold. */
  async restartHub(): Promise<void> {
    const { kit, files, identity, fullCheckEvery } = this;
    const { crypto, region } = kit;
    const bulletin = new TrustedBulletin(crypto, this.bulletin, region, this.#trustAnchor());
    const { intervals, disputes } = files;
    const write = (state: HubState): Promise<void> => files.write(state);
    const log = createLog('consumer', 'silent');
    const parts = { crypto, identity, bulletin, region, fullCheckEvery, intervals, disputes, write, log };
    this.hub = new Hub(parts, (await files.state())!);
  }

  /**
   * Interval j: its window, in which the meter sends, and the sealing of the interval before, as time runs.
   *
   * @param lose whether the packet of a slot to the hub is lost
   * @param publish which of the meter's rows are published
   */
  async window(
    interval: number,
    options: {
      energy?: bigint;
      lose?: (slot: number) => boolean;
      publish?: (row: Uint8Array, position: number) => boolean;
      tampering?: Tampering;
    } = {},
  ): Promise<Uint8Array[]> {
    const { kit } = this;
    if (options.energy !== undefined) this.meter.energy.set(kit.startOf(interval), options.energy);
    const rows = new Map<string, Uint8Array>();
    for (let slot = 0; slot < 6; slot++) {
      const time = kit.startOf(interval) + L + slot * SLOT;
      await this.hubSlot(time);
      const opened = await this.meter.slot(time);
      if (options.lose?.(slot) !== true) this.mailbox.push(opened!.mailboxPacket);
      for (const { row } of opened!.controlCenter.rows) rows.set(toHex(row), row);
    }
    const own = [...rows.values()];
    const published = own.filter(options.publish ?? (() => true));
    this.bulletin.seal(kit.startOf(interval), [...published, ...this.#others(interval)], 'billing', options.tampering);
    return own;
  }

  hubSlot(timeSeconds: number): Promise<void> {
    return this.hub.slot(slotAt(this.kit.parameters, timeSeconds), () => Promise.resolve(this.mailbox.splice(0)));
  }

  /** Lets the hub see what was sealed after the last window. */
  async finish(interval: number, slots = 2): Promise<void> {
    for (let slot = 0; slot < slots; slot++) await this.hubSlot(this.kit.startOf(interval) + 2 * L + (slot + 1) * SLOT);
  }

  #others(interval: number): Uint8Array[] {
    const ledgerId = { region: this.kit.region, startSeconds: this.kit.startOf(interval) };
    const categories = [0, 1, 2, 3, 4].flatMap((category) => new Array<number>(5).fill(category));
    return this.neighbours.consumptionRows(ledgerId, categories).map(({ row }) => row);
  }

  #trustAnchor(): string {
    return fingerprint(this.kit.crypto, this.kit.controlCenter.publicKey);
  }
}

/** The codes that a stranger finds in a dispute's evidence, who knows nothing but the control center's key. */
async function faultsIn(
  evidence: string,
  { crypto, region, controlCenter }: RegionKit,
  start: number,
): Promise<string[]> {
  const source = new DirectoryBulletin(evidence);
  const parameters = decodeParametersFile((await source.readParameters())!);
  verifyParametersList(crypto, parameters, fingerprint(crypto, controlCenter.publicKey));
  assert.notEqual(await source.readDirectory(region, 0), undefined);
  const files = await fetchInterval(source, region, start);
  const trust = { parameters, previous: 'unknown' } as const;
  const { faults } = auditInterval(crypto, { region, startSeconds: start }, files!, trust, 'full');
  return faults.map(({ code }) => code);
}

describe('Hub', () => {
  let root: string;
  let count = 0;
  before(() => (root = mkdtempSync(join(tmpdir(), 'gridveil-hub-'))));
  after(() => rmSync(root, { recursive: true }));

  const setUp = async (fullCheckEvery?: number): Promise<Household> => {
    const household = new Household(join(root, String(count++)), fullCheckEvery);
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
    assert.equal(sums.leftOut, 0);
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

  it('goes on from its files after a restart', async () => {
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
    assert.equal(home.hub.sums.leftOut, 0);
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

  it('knows what was left out, and that its energy comes again', async () => {
    const home = await setUp();
    await home.window(0, { energy: 1_200_000n, publish: (row) => rowValue(row) !== 800_000n });
    for (let interval = 1; interval < 5; interval++) await home.window(interval, { energy: 0n });
    await home.finish(4);
    assert.equal(home.hub.sums.leftOut, 1);
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
    home.mailbox.push(sealHubPacket(kit.crypto, stranger, 0, payload, random), random(699), random(5));
    await home.hubSlot(kit.startOf(0) + L + SLOT);
    assert.deepEqual((await home.files.state())!.open, []);
    home.mailbox.push(sealHubPacket(kit.crypto, identity.keys, 0, payload, random));
    await home.hubSlot(kit.startOf(0) + L + 2 * SLOT);
    assert.equal((await home.files.state())!.open.length, 1, 'the same packet from the meter is taken');
  });

  const flip = (rows: Uint8Array, offset: number): Uint8Array => {
    const changed = rows.slice();
    changed[offset]! ^= 1;
    return changed;
  };
  /** The first row gets the bill of another category, so that the bills look like bills. */
  const withAnothersBill = (rows: Uint8Array): Uint8Array => {
    const changed = rows.slice();
    const other = splitRows(rows).find((row) => rowValue(row) > rowValue(rows))!;
    changed.set(other.subarray(ROW_OFFSET.value, ROW_OFFSET.signaturePublicKey), ROW_OFFSET.value);
    return changed;
  };
  const swindles: [name: string, code: string, Tampering | ((home: Household, start: number) => void)][] = [
    ['a price beside the tariff', 'WRONG_PRICE', { price: (price) => price + 1_000n }],
    ['a bill that is too high', 'WRONG_BILL', { bills: withAnothersBill }],
    ['a bill that is not signed', 'BAD_SIGNATURE', { bills: (rows) => flip(rows, ROW_OFFSET.signature) }],
    ['a bill for somebody else', 'PAGE_MISMATCH', { bills: (rows) => flip(rows, ROW_OFFSET.pseudonym) }],
    ['a bill that is missing', 'PAGE_MISMATCH', { bills: (rows) => rows.subarray(ROW_LENGTH) }],
    [
      'a row that is missing from the file',
      'BAD_LENGTH',
      (home, start) => change(home, start, 'consumption.rows', (rows) => rows.subarray(7)),
    ],
    [
      'a row that the header does not know',
      'PAGE_MISMATCH',
      (home, start) =>
        change(home, start, 'consumption.rows', (rows) => concatBytes(rows, rows.subarray(0, ROW_LENGTH))),
    ],
    [
      'a row that was changed after the seal',
      'PAGE_MISMATCH',
      (home, start) => change(home, start, 'consumption.rows', (rows) => flip(rows, ROW_OFFSET.value)),
    ],
    [
      'an index that does not fit',
      'INDEX_MISMATCH',
      (home, start) => change(home, start, 'consumption.index', (index) => flip(index, 0)),
    ],
    [
      'a seal that was changed',
      'SEAL_MISMATCH',
      (home, start) =>
        change(home, start, 'seals.json', (seals) =>
          new TextEncoder().encode(
            new TextDecoder().decode(seals).replace('"registeredMeters":10', '"registeredMeters":11'),
          ),
        ),
    ],
    [
      'seals that cannot be read',
      'MALFORMED',
      (home, start) => change(home, start, 'seals.json', (seals) => seals.subarray(1)),
    ],
  ];
  const change = (home: Household, start: number, file: string, by: (bytes: Uint8Array) => Uint8Array): void => {
    home.bulletin.files.set(`${start}/${file}`, by(home.bulletin.files.get(`${start}/${file}`)!));
  };
  for (const [name, code, swindle] of swindles) {
    it(`disputes ${name}: ${code}, with evidence that anyone can check, and goes on`, async () => {
      const home = await setUp();
      const start = home.kit.startOf(1);
      await home.window(0, { energy: 900_000n });
      await home.window(1, { energy: 900_000n, ...(typeof swindle === 'function' ? {} : { tampering: swindle }) });
      if (typeof swindle === 'function') swindle(home, start);
      await home.finish(1, 1);
      assert.equal(home.hub.sums.disputes, 0, 'it looks twice');
      await home.finish(1);
      assert.equal(home.hub.sums.disputes, 1);
      assert.equal(home.hub.sums.intervals, 1, 'a disputed interval is not verified');
      const [dispute] = await home.files.disputes.list();
      assert.equal(dispute?.startSeconds, start);
      assert.ok(
        dispute.faults.some((fault) => fault.code === code),
        JSON.stringify(dispute.faults),
      );

      const evidence = join(home.directory, 'disputes', `ledger-${start}`);
      const own = (await home.meter.store.state()).handles.map(({ pseudonym }) => toHex(pseudonym));
      const text = await readFile(`${evidence}.json`, 'utf8');
      assert.ok(own.length > 0 && own.every((pseudonym) => !text.includes(pseudonym)));
      assert.ok((await faultsIn(evidence, home.kit, start)).includes(code));
    });
  }

  it('looks again before it disputes: a fault that is gone in the next slot was none', async () => {
    const home = await setUp();
    await home.window(0, { energy: 900_000n });
    const path = `${home.kit.startOf(0)}/billing.rows`;
    const right = home.bulletin.files.get(path)!;
    home.bulletin.files.set(path, right.subarray(ROW_LENGTH));
    await home.finish(0, 1);
    home.bulletin.files.set(path, right);
    await home.finish(0);
    assert.deepEqual([home.hub.sums.disputes, home.hub.sums.intervals], [0, 1]);
  });

  it('checks the signatures of its own rows and bills in a light check too, and then all', async () => {
    const home = await setUp(1_000_000);
    const forge = (isMine: (pseudonym: string) => boolean) => (rows: Uint8Array) => {
      const changed = rows.slice();
      const index = splitRows(rows).findIndex((row) => isMine(toHex(rowPseudonym(row))));
      changed[index * ROW_LENGTH + ROW_OFFSET.signature]! ^= 1;
      return changed;
    };
    let own: string[] = [];
    const publish = (row: Uint8Array): boolean => own.push(toHex(rowPseudonym(row))) > 0;
    const energy = 800_000n;
    await home.window(0, { energy, publish, tampering: { bills: forge((pseudonym) => !own.includes(pseudonym)) } });
    own = [];
    await home.window(1, { energy, publish, tampering: { bills: forge((pseudonym) => own.includes(pseudonym)) } });
    await home.finish(1);
    const disputes = await home.files.disputes.list();
    assert.deepEqual(
      disputes.map(({ startSeconds, faults }) => [startSeconds, faults.map(({ code }) => code)]),
      [[home.kit.startOf(1), ['BAD_SIGNATURE']]],
      'the stranger’s bill is left to the strangers and to those who have their turn',
    );
    assert.deepEqual([home.hub.sums.intervals, home.hub.sums.fullChecks], [1, 0]);
  });
});
