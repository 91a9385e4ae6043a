// SPDX-License-Identifier: Apache-2.0
import { readUint32, writeUint32 } from '../../../protocol/crypto/bytes.js';
import { rowPseudonym } from '../../../protocol/ledger/row.js';
import { slotsPerInterval } from '../../../protocol/schedule/slots.js';
import { reportedStart } from '../../../protocol/schedule/windows.js';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import type { Center } from '../parts.js';
import type { Epoch } from '../epochs/epochs.js';
import { OpenIntervals, type OpenInterval } from '../intervals/open-intervals.js';
import { keyPrefix, lastNumber, storeKey } from '../store-keys.js';
import { IntakeCounter } from './intake-counts.js';
import { Chains, PseudonymChain } from './pseudonym-chain.js';
import { decodeAcceptedPacket } from './accepted-packet.js';

/** State of the intake: open intervals, pseudonym chains and counts. */
export class IntakeState {
  readonly intervals: OpenIntervals;
  readonly chains = new Chains();
  readonly counter = new IntakeCounter();

  readonly #center: Pick<Center, 'store' | 'epochs' | 'versions'>;

  constructor(center: Pick<Center, 'clock' | 'store' | 'epochs' | 'versions'>) {
    this.#center = center;

    this.intervals = new OpenIntervals(center.clock, center.versions);
  }

  /** Restores the chains as of the last frozen interval, and every packet journalled since. */
  async restore(): Promise<void> {
    const { store, epochs, versions } = this.#center;
    for (const epoch of epochs.all()) {
      for await (const [key, value] of store.iterate(keyPrefix('chain', epoch.number))) {
        this.chains.put(epoch.number, lastNumber(key), PseudonymChain.fromBytes(value));
      }
    }
    for await (const [, value] of store.iterate(keyPrefix('packet'))) {
      const packet = decodeAcceptedPacket(value);
      const interval = this.intervals.get(reportedStart(versions.first, packet.slotStartSeconds));
      interval.take(packet);
      const { registryEpoch } = interval.context;
      const { identity } = epochs.get(registryEpoch)!.secrets.get(packet.meterNumber)!;
      const chain = this.chains.of(registryEpoch, packet.meterNumber, identity);
      for (const { k, row } of packet.rows) {
        chain.take(k, rowPseudonym(row));
      }
    }
  }

  /** The changes that belong to freezing an interval: chains, presence, and the removal of its journal. */
  async freeze(interval: OpenInterval, epoch: Epoch): Promise<{ changes: StoreChange[]; missedSlots: number }> {
    const { store } = this.#center;
    const presence = await presenceChanges(store, interval, epoch);
    const changes = [...this.#chainChanges(interval, epoch), ...presence.changes];
    for await (const [key] of store.iterate(keyPrefix('packet', interval.context.ledgerId.startSeconds))) {
      changes.push({ key });
    }
    return { changes, missedSlots: presence.missedSlots };
  }

  /** Moves the base of each meter's chain to its newest row of this interval. */
  #chainChanges(interval: OpenInterval, epoch: Epoch): StoreChange[] {
    const newest = new Map<number, number>();
    for (const { meterNumber, k } of interval.rows) {
      newest.set(meterNumber, Math.max(k, newest.get(meterNumber) ?? 0));
    }
    return [...newest].map(([meterNumber, k]) => {
      const chain = this.chains.of(epoch.number, meterNumber, epoch.secrets.get(meterNumber)!.identity);
      chain.moveBase(k);
      return { key: storeKey.chain(epoch.number, meterNumber), value: chain.toBytes() };
    });
  }
}

/** Adds the slots of this window to each registered meter's account: expected 4 ‖ missed 4. */
async function presenceChanges(
  store: SealedStore,
  interval: OpenInterval,
  epoch: Epoch,
): Promise<{ changes: StoreChange[]; missedSlots: number }> {
  const changes: StoreChange[] = [];
  let missedSlots = 0;
  for (const meterNumber of epoch.secrets.keys()) {
    const key = storeKey.presence(meterNumber);
    const missed = interval.missedSlots(meterNumber);
    missedSlots += missed;
    const stored = await store.get(key);
    const value = new Uint8Array(8);
    writeUint32(value, 0, (stored ? readUint32(stored, 0) : 0) + slotsPerInterval(interval.context.parameters));
    writeUint32(value, 4, (stored ? readUint32(stored, 4) : 0) + missed);
    changes.push({ key, value });
  }
  return { changes, missedSlots };
}
