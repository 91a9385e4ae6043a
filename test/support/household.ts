// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { fromHex, toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { HubFiles } from '../../client-apps/consumer/state/hub-files.js';
import { Hub } from '../../client-apps/consumer/hub.js';
import { hubIdentity } from '../../client-apps/consumer/identity.js';
import { NO_SUMS, type HubState } from '../../client-apps/consumer/state/state.js';
import { createLog } from '../../client-apps/runtime/log.js';
import { slotAt } from '../../protocol/schedule/slots.js';
import { Mirrors } from '../../client-apps/bulletin/mirrors.js';
import type { BulletinSource } from '../../client-apps/bulletin/reader.js';
import { TrustedBulletin } from '../../client-apps/bulletin/trusted-bulletin.js';
import { IntervalMaker } from './interval.js';
import { MemoryBulletin, type Tampering } from './memory-bulletin.js';
import { MeterUnderTest } from './meter.js';
import { FakeRegion, type RegionOptions } from './region.js';
import { ENROLMENT_CODE_LENGTH } from '../../protocol/identity/enrolment.js';

const SLOT = 300;
const L = 1_800;
/** Under which its hub's files are sealed. */
export const HOUSEHOLD_FILE_KEY = new Uint8Array(32).fill(7);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** A household: its meter, its hub, and neighbours enough for k-anonymity. */
export class HouseholdUnderTest {
  readonly identity = hubIdentity(sodiumCrypto, random(32));
  readonly kit: FakeRegion;
  readonly bulletin: MemoryBulletin;
  readonly meter: MeterUnderTest;
  readonly files: HubFiles;
  readonly neighbours: IntervalMaker;
  readonly mailbox: Uint8Array[] = [];
  hub!: Hub;
  /** Source from which the hub reads the bulletin. */
  mirrors: BulletinSource[] = [];

  readonly #fullCheckEvery: number;

  constructor(
    readonly directory: string,
    fullCheckEvery = 1,
    options: Pick<RegionOptions, 'parameters'> & { readonly isListed?: boolean } = {},
  ) {
    this.#fullCheckEvery = fullCheckEvery;

    const { parameters = {}, isListed = true } = options;
    this.kit = new FakeRegion({ parameters, consumerKeys: isListed ? [this.identity.price.publicKey] : [] });
    this.bulletin = new MemoryBulletin(this.kit);
    this.mirrors.push(this.bulletin);
    this.neighbours = new IntervalMaker(this.kit);
    this.bulletin.publishDirectory(0);
    this.meter = new MeterUnderTest(this.kit, this.bulletin, this.identity.keys);
    this.files = new HubFiles({ directory, enrolmentCode: new Uint8Array(ENROLMENT_CODE_LENGTH) }, HOUSEHOLD_FILE_KEY);
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
      unpublishedSeconds: undefined,
      sums: NO_SUMS,
    });
    await this.restartHub();
  }

  /** Starts the hub from what its files hold. */
  async restartHub(): Promise<void> {
    const { kit, files, identity } = this;
    const fullCheckEvery = this.#fullCheckEvery;
    const { crypto, region } = kit;
    const bulletin = new TrustedBulletin(crypto, new Mirrors(this.mirrors), region, this.#trustAnchor());
    const { intervals, disputes } = files;
    const write = (state: HubState): Promise<void> => files.write(state);
    const log = createLog('consumer', 'silent');
    const recent = new Map();
    const parts = { crypto, identity, bulletin, region, fullCheckEvery, intervals, recent, disputes, write, log };
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
    if (options.energy !== undefined) {
      this.meter.energy.set(kit.startOf(interval), options.energy);
    }
    const rows = new Map<string, Uint8Array>();
    for (let slot = 0; slot < 6; slot++) {
      const time = kit.startOf(interval) + L + slot * SLOT;
      await this.hubSlot(time);
      const opened = await this.meter.slot(time);
      if (options.lose?.(slot) !== true) {
        this.mailbox.push(opened!.mailboxPacket);
      }
      for (const { row } of opened!.controlCenter.rows) {
        rows.set(toHex(row), row);
      }
    }
    const own = [...rows.values()];
    const published = own.filter(options.publish ?? (() => true));
    this.bulletin.seal(kit.startOf(interval), [...published, ...this.#others(interval)], 'billing', options.tampering);
    return own;
  }

  /** @param drain what the mailbox answers; by default the packets in it */
  hubSlot(timeSeconds: number, drain = () => Promise.resolve(this.mailbox.splice(0))): Promise<void> {
    return this.hub.slot(slotAt(this.kit.parameters, timeSeconds), drain);
  }

  /** Lets the hub see what was sealed after the last window. */
  async finish(interval: number, slots = 2): Promise<void> {
    for (let slot = 0; slot < slots; slot++) {
      await this.hubSlot(this.kit.startOf(interval) + 2 * L + (slot + 1) * SLOT);
    }
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
