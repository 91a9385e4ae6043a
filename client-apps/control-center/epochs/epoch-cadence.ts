// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../../../protocol/errors.js';
import { encodeConsumerList } from '../../../protocol/ledger/consumer-list.js';
import { epochOf, epochStartSeconds } from '../../../protocol/schedule/epochs.js';
import { encodeRegistryRoot } from '../../../protocol/ledger/registry-root.js';
import { encodeSignedDirectory } from '../../../protocol/onion/directory-format.js';
import { ClientError } from '../../runtime/errors.js';
import { intervalStartAfter } from '../../../protocol/schedule/intervals.js';
import { untilReachable } from '../../runtime/retry.js';
import type { Center } from '../parts.js';
import type { Intervals } from '../intervals/intervals.js';
import type { Epoch, Excluded } from './epochs.js';

/**
 * Opens one registry epoch after the other at a fixed cadence, changed or not: registry and directory are fixed some
 * time before the epoch's first interval, and published. An epoch that cannot be opened yet (too few meters or relays)
 * is tried again at every start of an interval.
 */
export class EpochCadence {
  readonly #center: Center;
  readonly #intervals: Intervals;
  readonly #leadSeconds: number;
  readonly #excluded: () => Promise<Excluded>;

  /**
   * @param leadSeconds time before its first interval at which an epoch is fixed
   * @param excluded the exclusions from registries, directories and consumer lists to come
   */
  constructor(center: Center, intervals: Intervals, leadSeconds: number, excluded: () => Promise<Excluded>) {
    this.#center = center;
    this.#intervals = intervals;
    this.#leadSeconds = leadSeconds;
    this.#excluded = excluded;
  }

  /** The first epoch whose registry is not fixed. */
  nextEpoch(): number {
    const newest = this.#center.epochs.all().at(-1);
    return newest === undefined ? epochOf(this.#center.versions.first, this.#nextStart()) : newest.number + 1;
  }

  /** Publishes every open epoch again after a restart, then opens epochs until the process ends. */
  async run(): Promise<never> {
    const { clock, timers, epochs } = this.#center;
    for (const epoch of epochs.all()) {
      await clock.activity.track('epoch', this.#publish(epoch));
    }
    const { first } = this.#center.versions;
    let notBefore = 0;
    for (;;) {
      const start = Math.max(epochStartSeconds(first, this.nextEpoch()), first.effectiveFromSeconds);
      await timers.until(1_000 * Math.max(start - this.#leadSeconds, notBefore));
      const epoch = await clock.activity.track('epoch', this.#open());
      notBefore = epoch === undefined ? this.#nextIntervalStart() : 0;
    }
  }

  async #open(): Promise<Epoch | undefined> {
    const { epochs, registryTurns, log, report } = this.#center;
    try {
      const start = this.#nextStart();
      const changes = this.#intervals.beginChanges(start);
      const epoch = await registryTurns.take(async () =>
        epochs.openEpoch(this.nextEpoch(), await this.#excluded(), changes),
      );
      this.#intervals.begin(start);
      await this.#publish(epoch);
      const { relays } = epoch.directory.directory;
      report('epoch', { epoch: epoch.number, registeredMeters: epoch.registry.meters, relays: relays.length });
      return epoch;
    } catch (error) {
      const isTooEarly =
        (error instanceof ClientError && error.code === 'WRONG_STATE') ||
        (error instanceof ProtocolError && error.code === 'DIRECTORY_INVALID');
      if (!isTooEarly) {
        throw error;
      }
      log.warn({ reason: error.message }, 'the next registry epoch cannot be opened yet');
      return undefined;
    }
  }

  async #publish(epoch: Epoch): Promise<void> {
    const { ledger, bulletin, epochs, versions, log } = this.#center;
    const directory = encodeSignedDirectory(epoch.directory);
    const consumers = epoch.consumers && encodeConsumerList(epoch.consumers);
    await untilReachable(log, 'ledger', async () => {
      await ledger.putDocument('PutRegistryRoot', encodeRegistryRoot(epoch.root));
      await ledger.putDocument('PutDirectory', directory);
      if (consumers !== undefined) {
        await ledger.putDocument('PutConsumers', consumers);
      }
    });
    const { region } = versions.first;
    await bulletin.writeDirectory(region, epoch.number, directory);
    if (consumers !== undefined) {
      await bulletin.writeConsumers(region, epoch.number, consumers);
    }
    epochs.markPublished(epoch.number);
  }

  /** Start of the next interval to be frozen; the first one is the first that begins after the first epoch is open. */
  #nextStart(): number {
    const { first } = this.#center.versions;
    return this.#intervals.nextStart() ?? Math.max(first.effectiveFromSeconds, this.#nextIntervalStart());
  }

  /** The first start of an interval that is still to come. */
  #nextIntervalStart(): number {
    const { clock, versions } = this.#center;
    return intervalStartAfter(versions.first, clock.nowMilliseconds() / 1_000);
  }
}
