// SPDX-License-Identifier: Apache-2.0
import { readUint32, writeUint32 } from '../../../protocol/crypto/bytes.js';
import { closeSeconds } from '../../../protocol/schedule/closes.js';
import { epochOf } from '../../../protocol/schedule/epochs.js';
import { slotsPerInterval } from '../../../protocol/schedule/slots.js';
import { rowPseudonym } from '../../../protocol/ledger/row.js';
import type { StoreChange } from '../../runtime/sealed-store.js';
import { slotAt } from '../../../protocol/schedule/slots.js';
import { untilReachable } from '../../runtime/retry.js';
import type { Center } from '../center.js';
import { makeCut } from './cut.js';
import type { Epoch } from '../epochs/epochs.js';
import { freezeChanges, loadFrozen } from './frozen-store.js';
import type { IntakeCounter } from '../intake/intake-counts.js';
import { OpenInterval } from './open-interval.js';
import { decodeClosing, encodeClosing, nextToFreeze, type ClosingProgress } from './progress.js';
import { PseudonymChain, type Chains } from '../intake/pseudonym-chain.js';
import { commitConsumption } from './settlement.js';
import { keyPrefix, lastNumber, storeKey } from '../store-keys.js';
import { decodeTakenPacket } from '../intake/taken-packet.js';
import { atSeconds, Signal } from '../waiting.js';

/**
 * The intervals that take rows, and their end: at its close the cut of each is frozen on disk, and only then written to
 * the ledger, so that whatever happens the same bytes come out.
 */
export class Closing {
  #progress: ClosingProgress | undefined;
  readonly #open = new Map<number, OpenInterval>();
  readonly #begun = new Signal();
  /** Start of the first interval that does not stand on the ledger and in the bulletin. */
  #uncommitted = Number.NEGATIVE_INFINITY;
  /** Announced when an interval has been committed. */
  readonly committed = new Signal();
  /** Ends the work that simulated time waits for, per interval that is not settled. */
  readonly #ends = new Map<number, () => void>();

  readonly #center: Center;
  readonly #chains: Chains;
  readonly #counter: IntakeCounter;

  constructor(center: Center, chains: Chains, counter: IntakeCounter) {
    this.#center = center;
    this.#chains = chains;
    this.#counter = counter;
  }

  /** Puts progress and packets back after a restart. */
  async restore(): Promise<void> {
    const { store, epochs, versions } = this.#center;
    const closing = await store.get(storeKey.closing);
    if (closing !== undefined) {
      this.#progress = decodeClosing(closing);
    }
    for (const epoch of epochs.all()) {
      for await (const [key, value] of store.iterate(keyPrefix('chain', epoch.number))) {
        this.#chains.put(epoch.number, lastNumber(key), PseudonymChain.fromBytes(value));
      }
    }
    for await (const [, value] of store.iterate(keyPrefix('packet'))) {
      const packet = decodeTakenPacket(value);
      const interval = this.#interval(slotAt(versions.first, packet.slotStartSeconds).ledgerStartSeconds);
      interval.take(packet);
      const { registryEpoch } = interval.context;
      const { identity } = epochs.get(registryEpoch)!.secrets.get(packet.meterNumber)!;
      const chain = this.#chains.of(registryEpoch, packet.meterNumber, identity);
      for (const { k, row } of packet.rows) {
        chain.take(k, rowPseudonym(row));
      }
    }
  }

  /** Start of the first interval of all; undefined before the first epoch was opened. */
  get firstStartSeconds(): number | undefined {
    return this.#progress?.firstStartSeconds;
  }

  /** Start of the next interval to be frozen; undefined before the first epoch was opened. */
  nextStart(): number | undefined {
    return this.#progress && nextToFreeze(this.#progress, this.#center.versions.first.intervalSeconds);
  }

  /** The change that fixes the first interval of all; none when it is fixed. */
  beginChanges(firstStartSeconds: number): StoreChange[] {
    if (this.#progress !== undefined) {
      return [];
    }
    return [{ key: storeKey.closing, value: encodeClosing({ firstStartSeconds }) }];
  }

  /** Begins with the first interval, after the change is durable. */
  begin(firstStartSeconds: number): void {
    this.#progress ??= { firstStartSeconds };
    this.#begun.announce();
  }

  /** See `IntakeSources`. */
  intervalOfWindow(seconds: number): OpenInterval | 'closed' | undefined {
    const next = this.nextStart();
    const { clock, versions } = this.#center;
    if (next === undefined) {
      return undefined;
    }
    const { ledgerStartSeconds: start } = slotAt(versions.first, seconds);
    if (start < next) {
      return start < this.#progress!.firstStartSeconds ? undefined : 'closed';
    }
    const nowSeconds = clock.nowMilliseconds() / 1_000;
    const parameters = versions.at(start);
    if (nowSeconds >= closeSeconds(parameters, start)) {
      return 'closed';
    }
    // One window ahead at most: what is not open yet takes no memory.
    if (nowSeconds < start) {
      return undefined;
    }
    return this.#interval(start);
  }

  /** Freezes and commits one interval after the other, for ever. */
  async run(): Promise<never> {
    const { clock, versions } = this.#center;
    while (this.#progress === undefined) {
      await this.#begun.next();
    }
    for (;;) {
      const start = this.nextStart()!;
      await atSeconds(clock, closeSeconds(versions.at(start), start));
      this.#ends.set(start, clock.begin('interval'));
      const epoch = await this.#center.epochs.whenPublished(epochOf(versions.first, start));
      await this.#freeze(start, epoch);
      await this.#commit(start);
    }
  }

  /** Commits again what is frozen and not settled, after a restart. */
  async resume(firstStart: number): Promise<void> {
    const next = this.nextStart() ?? firstStart;
    for (let start = firstStart; start < next; start += this.#center.versions.first.intervalSeconds) {
      this.#ends.set(start, this.#center.clock.begin('interval'));
      await this.#commit(start);
    }
  }

  /** Whether an interval stands on the ledger and in the bulletin, so that its price can be waited for. */
  isCommitted(startSeconds: number): boolean {
    return startSeconds < this.#uncommitted;
  }

  /** An interval has been settled: simulated time need not wait for it any more. */
  end(startSeconds: number): void {
    this.#ends.get(startSeconds)?.();
    this.#ends.delete(startSeconds);
  }

  #interval(startSeconds: number): OpenInterval {
    let interval = this.#open.get(startSeconds);
    if (interval === undefined) {
      interval = new OpenInterval(this.#center.versions.context(startSeconds));
      this.#open.set(startSeconds, interval);
    }
    return interval;
  }

  async #freeze(startSeconds: number, epoch: Epoch): Promise<void> {
    const { store, journal, keys, report } = this.#center;
    await journal.drain();
    const interval = this.#interval(startSeconds);
    const cut = makeCut(interval.context, interval.rows, epoch, this.#progress!.consumption?.seal, keys.signing);
    const { seal, signature } = cut.sealed;
    const progress = { firstStartSeconds: this.#progress!.firstStartSeconds, consumption: { seal, signature } };
    const presence = await this.#presenceChanges(interval, epoch);
    await store.batch([
      { key: storeKey.closing, value: encodeClosing(progress) },
      ...freezeChanges(startSeconds, cut),
      ...this.#chainChanges(interval, epoch),
      ...presence.changes,
      ...(await this.#journalChanges(startSeconds)),
    ]);
    this.#progress = progress;
    this.#open.delete(startSeconds);
    report('frozen', {
      startSeconds,
      registeredMeters: epoch.registry.meters,
      leftOutRows: cut.leftOut,
      publishedRows: cut.sealed.header.count,
      missedSlots: presence.missed,
      intake: this.#counter.take(),
    });
  }

  async #commit(startSeconds: number): Promise<void> {
    const { store, epochs, versions, log } = this.#center;
    const frozen = (await loadFrozen(store, startSeconds))!;
    const { depth } = (await epochs.whenPublished(epochOf(versions.first, startSeconds))).registry;
    await untilReachable(log, 'ledger', () => commitConsumption(this.#center, frozen, depth));
    this.#uncommitted = startSeconds + versions.first.intervalSeconds;
    this.committed.announce();
  }

  /** Moves the base of each meter's chain to its newest row of this interval. */
  #chainChanges(interval: OpenInterval, epoch: Epoch): StoreChange[] {
    const newest = new Map<number, number>();
    for (const { meterNumber, k } of interval.rows) {
      newest.set(meterNumber, Math.max(k, newest.get(meterNumber) ?? 0));
    }
    return [...newest].map(([meterNumber, k]) => {
      const chain = this.#chains.of(epoch.number, meterNumber, epoch.secrets.get(meterNumber)!.identity);
      chain.moveBase(k);
      return { key: storeKey.chain(epoch.number, meterNumber), value: chain.toBytes() };
    });
  }

  /** Adds the slots of this window to each registered meter's account: expected 4 ‖ missed 4. */
  async #presenceChanges(interval: OpenInterval, epoch: Epoch): Promise<{ changes: StoreChange[]; missed: number }> {
    const changes: StoreChange[] = [];
    let missedByAll = 0;
    for (const meterNumber of epoch.secrets.keys()) {
      const key = storeKey.presence(meterNumber);
      const missed = interval.missedSlots(meterNumber);
      missedByAll += missed;
      const stored = await this.#center.store.get(key);
      const value = new Uint8Array(8);
      writeUint32(value, 0, (stored ? readUint32(stored, 0) : 0) + slotsPerInterval(interval.context.parameters));
      writeUint32(value, 4, (stored ? readUint32(stored, 4) : 0) + missed);
      changes.push({ key, value });
    }
    return { changes, missed: missedByAll };
  }

  async #journalChanges(startSeconds: number): Promise<StoreChange[]> {
    const changes: StoreChange[] = [];
    for await (const [key] of this.#center.store.iterate(keyPrefix('packet', startSeconds))) {
      changes.push({ key });
    }
    return changes;
  }
}
