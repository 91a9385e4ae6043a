// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { sharedLinkKey } from '../../../protocol/identity/meter-identity.js';
import type { SealedLedger } from '../../../protocol/ledger/bulletin.js';
import type { SignedSeal } from '../../../protocol/ledger/seal.js';
import { sealedPrice } from '../../../protocol/rules/check-price.js';
import { closeSeconds } from '../../../protocol/schedule/closes.js';
import { epochOf } from '../../../protocol/schedule/epochs.js';
import { nextStart } from '../../../protocol/schedule/intervals.js';
import { untilReachable } from '../../runtime/retry.js';
import type { StoreChange } from '../../runtime/sealed-store.js';
import type { Center } from '../parts.js';
import type { Epoch } from '../epochs/epochs.js';
import type { IntakeState } from '../intake/intake-state.js';
import { storeKey } from '../store-keys.js';
import { makeCut, type Cut } from './cut.js';
import { freezeChanges, loadFrozen, thawChanges } from './frozen-store.js';
import {
  decodeClosing,
  decodeSettling,
  encodeClosing,
  encodeSettling,
  nextToFreeze,
  nextToSettle,
  type ClosingProgress,
  type SettlingProgress,
} from './progress.js';
import { commitConsumption, settleBilling, settlePricing, type Providing, type SettlementTools } from './settlement.js';

/**
 * The life of the intervals. Each goes through these states, and a restart continues in the state it was in:
 *
 * 1. open: until its close the intake adds packets to it and journals them (`OpenIntervals`);
 * 2. closing: no more packets are accepted, and the registry of its epoch is published;
 * 3. cut: the rows that may be published are chosen, sorted and sealed (`makeCut`);
 * 4. frozen: the cut is on the disk in place of the journal, so what is published has the same bytes after any crash;
 * 5. committed: header, pages and seal are on the ledger and in the bulletin;
 * 6. settled: prices and bills are sealed as well; the interval is deleted from the store.
 *
 * Intervals are closed, frozen and committed one after the other. Settling waits for the service provider, so it runs
 * concurrently, also one interval after the other.
 */
export class Intervals {
  #closing: ClosingProgress | undefined;
  #settling: SettlingProgress | undefined;
  /** Ends when the last committed interval is settled. */
  #settlements: Promise<void> = Promise.resolve();
  readonly #tools: SettlementTools;

  readonly #center: Center;
  readonly #intake: IntakeState;
  readonly #onFailure: (error: unknown) => void;

  constructor(center: Center, intake: IntakeState, onFailure: (error: unknown) => void) {
    this.#center = center;
    this.#intake = intake;
    this.#onFailure = onFailure;

    const { ledger, watch, bulletin, log, keys } = center;
    const providing = (startSeconds: number): Promise<Providing> => this.#providing(startSeconds);
    this.#tools = { ledger, watch, bulletin, log, key: keys.signing, providing };
  }

  /** Restores the progress and the state of the intake after a restart. */
  async restore(): Promise<void> {
    const { store } = this.#center;
    const closing = await store.get(storeKey.closing);
    const settling = await store.get(storeKey.settling);
    this.#settling = settling && decodeSettling(settling);
    if (closing !== undefined) {
      this.#advance(decodeClosing(closing));
    }
    await this.#intake.restore();
  }

  /** Start of the next interval to be frozen; undefined before the first epoch was opened. */
  nextStart(): number | undefined {
    return this.#closing && nextToFreeze(this.#closing, this.#center.versions.first);
  }

  /** The change that fixes the region's first interval; none when it is fixed. */
  beginChanges(firstStartSeconds: number): StoreChange[] {
    return this.#closing === undefined ? [{ key: storeKey.closing, value: encodeClosing({ firstStartSeconds }) }] : [];
  }

  /** Begins with the region's first interval, after {@link beginChanges} is durable; later calls have no effect. */
  begin(firstStartSeconds: number): void {
    if (this.#closing === undefined) {
      this.#advance({ firstStartSeconds });
      this.resume();
    }
  }

  /** Continues all intervals, once there is a first one. */
  resume(): void {
    if (this.#closing !== undefined) {
      this.#run(this.#closing).catch(this.#onFailure);
    }
  }

  async #run(closing: ClosingProgress): Promise<never> {
    const { clock, timers, epochs, versions } = this.#center;
    let start = nextToSettle(closing, this.#settling, versions.first);
    for (; start < this.nextStart()!; start = nextStart(versions.first, start)) {
      await this.#publish(start, clock.activity.begin('interval'));
    }
    for (; ; start = nextStart(versions.first, start)) {
      // The interval is open.
      await timers.until(1_000 * closeSeconds(versions.at(start), start));
      const endOfWork = clock.activity.begin('interval');
      const epoch = await epochs.whenPublished(epochOf(versions.first, start));
      await this.#freeze(start, epoch);
      await this.#publish(start, endOfWork);
    }
  }

  /** Takes a frozen interval on. @param endOfWork called when it is settled: simulated time waits for it */
  async #publish(startSeconds: number, endOfWork: () => void): Promise<void> {
    await this.#commit(startSeconds);
    this.#settlements = this.#settlements.then(() => this.#settle(startSeconds)).then(endOfWork);
    this.#settlements.catch(this.#onFailure);
  }

  /** Freezes an interval after its close. */
  async #freeze(startSeconds: number, epoch: Epoch): Promise<void> {
    const { store, journal, keys, report } = this.#center;
    await journal.drain();
    const interval = this.#intake.intervals.get(startSeconds);
    const { firstStartSeconds, consumption: previous } = this.#closing!;
    const cut: Cut = makeCut(interval.context, interval.rows, {
      epoch,
      previous: previous?.seal,
      key: keys.signing,
    });
    const closing = { firstStartSeconds, consumption: signedSeal(cut.sealed) };
    const intake = await this.#intake.freeze(interval, epoch);
    await store.batch([
      { key: storeKey.closing, value: encodeClosing(closing) },
      ...freezeChanges(startSeconds, cut),
      ...intake.changes,
    ]);
    this.#advance(closing);
    report('frozen', {
      startSeconds,
      registeredMeters: epoch.registry.meters,
      suppressedRows: cut.suppressed,
      publishedRows: cut.sealed.header.count,
      missedSlots: intake.missedSlots,
      intake: this.#intake.counter.take(),
    });
  }

  #advance(closing: ClosingProgress): void {
    this.#closing = closing;
    const { firstStartSeconds } = closing;
    this.#intake.intervals.advance({ firstStartSeconds, nextStartSeconds: this.nextStart()! });
  }

  /** Commits a frozen interval. */
  async #commit(startSeconds: number): Promise<void> {
    const { store, epochs, versions, log } = this.#center;
    const frozen = (await loadFrozen(store, startSeconds))!;
    const { depth } = (await epochs.whenPublished(epochOf(versions.first, startSeconds))).registry;
    await untilReachable(log, 'ledger', () => commitConsumption(this.#center, frozen, depth));
  }

  /** Settles a committed interval: waits for the service provider's ledgers and seals them. */
  async #settle(startSeconds: number): Promise<void> {
    const { store, epochs, versions, log, report } = this.#center;
    const frozen = (await loadFrozen(store, startSeconds))!;
    const context = versions.context(startSeconds);
    const consumers = epochs.get(context.registryEpoch)!.consumers?.list;
    const interval = { context, frozen, consumers };
    const { pricing, billing } = await untilReachable(log, 'ledger', async () => {
      const priced = await settlePricing(this.#tools, interval, this.#settling?.pricing.seal);
      const billed = await settleBilling(this.#tools, interval, priced, this.#settling?.billing.seal);
      return { pricing: priced, billing: billed };
    });
    const settling = { pricing: signedSeal(pricing), billing: signedSeal(billing) };
    await store.batch([{ key: storeKey.settling, value: encodeSettling(settling) }, ...thawChanges(startSeconds)]);
    this.#settling = settling;
    await this.#closeEpochs(nextStart(versions.first, startSeconds));
    report('settled', {
      startSeconds,
      rows: frozen.sealed.header.count,
      totalMilliWattHours: frozen.sealed.seal.total.toString(),
      priceNanoPerKilowattHour: sealedPrice(context, frozen.sealed.seal).toString(),
      billedNanoCurrency: billing.seal.total.toString(),
    });
  }

  async #providing(startSeconds: number): Promise<Providing> {
    const { ledger, bulletin, versions, keys } = this.#center;
    await versions.refreshSuccessors(ledger, bulletin);
    return {
      context: versions.context(startSeconds),
      pricePseudonymKey: sharedLinkKey(sodiumCrypto, keys.secretKey, versions.serviceProviderKey(startSeconds)),
    };
  }

  /** Erases the keys of each epoch whose last interval is settled. @param nextToSettleSeconds start of an interval */
  async #closeEpochs(nextToSettleSeconds: number): Promise<void> {
    const { epochs, versions } = this.#center;
    for (const closed of await epochs.closeBefore(epochOf(versions.first, nextToSettleSeconds))) {
      this.#intake.chains.forget(closed);
    }
  }
}

function signedSeal({ seal, signature }: SealedLedger): SignedSeal {
  return { seal, signature };
}
