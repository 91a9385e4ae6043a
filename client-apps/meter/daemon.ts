// SPDX-License-Identifier: Apache-2.0
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { parametersAt } from '../../protocol/schedule/versions.js';
import { LinkPool } from '../links/connect.js';
import { FRAME } from '../links/frames.js';
import type { PartyContext } from '../runtime/party.js';
import { Timers } from '../runtime/timers.js';
import { drawOffsetMilliseconds, everySlot, type ReadingTimes } from '../runtime/slot-schedule.js';
import { slotAt, type Slot } from '../../protocol/schedule/slots.js';
import type { MeterConfig } from './config.js';
import type { MeterBalance, SlotPackets } from './meter.js';
import type { OpenedMeter } from './open-meter.js';
import type { OutgoingPacket } from './slot-packets.js';

/** Events of a running meter. */
export interface MeterEvents {
  /** A slot's work is done; its packets leave at their offsets. */
  readonly onSlot: (slot: Slot, balance: MeterBalance) => void;
  /** The meter must stop: its store failed, or its account does not balance. */
  readonly onFailure: (error: unknown) => void;
}

/** The parts of an {@link OpenedMeter} that the clock and the links need. */
export type DaemonParts = Pick<OpenedMeter, 'link'> & {
  readonly meter: Pick<OpenedMeter['meter'], 'read' | 'slot' | 'balance'>;
  readonly bulletin: Pick<OpenedMeter['bulletin'], 'versions'>;
};

/** Runs an opened meter on the clock and on its links. */
export class MeterDaemon {
  readonly #pool: LinkPool;
  readonly #timers: Timers;
  /** The last slot's work; slots are processed one after the other. */
  #last: Promise<SlotPackets | undefined> = Promise.resolve(undefined);
  /** Reading of the bulletin; slots do not wait for it. */
  #reading: Promise<void> | undefined;

  readonly #opened: DaemonParts;
  readonly #context: PartyContext;
  readonly #events: MeterEvents & { readonly times: ReadingTimes };

  constructor(
    opened: DaemonParts,
    config: Pick<MeterConfig, 'addressOverrides'>,
    context: PartyContext,
    events: MeterEvents & { readonly times: ReadingTimes },
  ) {
    this.#opened = opened;
    this.#context = context;
    this.#events = events;

    const { random, log } = context;
    this.#timers = new Timers(context);
    this.#pool = new LinkPool({
      identity: opened.link,
      timers: this.#timers,
      random,
      addressOverrides: config.addressOverrides,
      onLost: (frames) => log.warn({ frames }, 'packets dropped: entry relay unreachable'),
    });
    everySlot(
      this.#timers,
      () => this.#parametersNow(),
      (slot) => {
        this.#readIn(slot);
        return this.#slot(slot);
      },
    );
    this.#readIn(slotAt(this.#parametersNow(), context.clock.nowMilliseconds() / 1000));
  }

  async stop(): Promise<void> {
    this.#timers.stop();
    await Promise.all([this.#last, this.#reading]);
    await this.#pool.close();
  }

  /** Reads the bulletin in a slot, for the next one. */
  #readIn(slot: Slot): void {
    const { clock, log } = this.#context;
    const parameters = this.#parametersNow();
    this.#timers.at('read', this.#events.times.at(slot, parameters, clock.nowMilliseconds()), () => {
      if (this.#reading !== undefined) {
        log.warn('the bulletin is still being read for an earlier slot');
        return undefined;
      }
      this.#reading = this.#opened.meter
        .read(slotAt(parameters, slot.startSeconds + parameters.slotSeconds))
        .catch(this.#events.onFailure)
        .finally(() => (this.#reading = undefined));
      return this.#reading;
    });
  }

  /**
   * Processes a slot. Offsets are drawn and timers set before the work begins, so they cannot depend on it.
   */
  async #slot(slot: Slot): Promise<void> {
    const { meter } = this.#opened;
    const packets = this.#last
      .then(() => meter.slot(slot))
      .catch((error: unknown) => {
        this.#events.onFailure(error);
        return undefined;
      });
    this.#last = packets;
    this.#sendAtOffset(slot, packets, 'controlCenter');
    this.#sendAtOffset(slot, packets, 'hub');
    const made = await packets;
    if (made !== undefined) {
      this.#pool.retain(made.entryRelays);
    }
    this.#events.onSlot(slot, meter.balance);
  }

  #sendAtOffset(slot: Slot, packets: Promise<SlotPackets | undefined>, which: 'controlCenter' | 'hub'): void {
    const offset = drawOffsetMilliseconds(this.#context.random, this.#parametersNow().onion.offsetWindowSeconds);
    this.#timers.at('packet', slot.startSeconds * 1000 + offset, async () => {
      const made = await packets;
      if (made !== undefined) {
        this.#send(made[which]);
      }
    });
  }

  #send({ entry, bytes }: OutgoingPacket): void {
    if (!this.#pool.link(entry).send(FRAME.packet, bytes)) {
      this.#context.log.warn('packet dropped: the queue of its entry relay is full');
    }
  }

  #parametersNow(): Parameters {
    const { versions } = this.#opened.bulletin;
    const nowSeconds = this.#context.clock.nowMilliseconds() / 1000;
    return parametersAt(versions, nowSeconds);
  }
}
