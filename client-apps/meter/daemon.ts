// SPDX-License-Identifier: Apache-2.0
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { parametersAt } from '../../protocol/schedule/versions.js';
import { LinkPool } from '../links/connect.js';
import { FRAME } from '../links/frames.js';
import type { PartyContext } from '../runtime/party.js';
import { drawOffsetMilliseconds, everySlot } from '../runtime/slot-schedule.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import type { MeterConfig } from './config.js';
import type { MeterBalance, SlotPackets } from './meter.js';
import type { OpenedMeter } from './open-meter.js';
import type { OutgoingPacket } from './slot-packets.js';

/** What whoever runs a meter is told. */
export interface MeterEvents {
  /** A slot's work is done; its packets leave at their offsets. */
  readonly onSlot: (slot: Slot, balance: MeterBalance) => void;
  /** The meter cannot go on: its store failed, or its account does not balance. */
  readonly onFailure: (error: unknown) => void;
}

/** The parts of an {@link OpenedMeter} that the clock and the links need. */
export type DaemonParts = Pick<OpenedMeter, 'link'> & {
  readonly meter: Pick<OpenedMeter['meter'], 'slot' | 'balance'>;
  readonly bulletin: Pick<OpenedMeter['bulletin'], 'versions'>;
};

/** Puts an opened meter on the clock and on its links. */
export class MeterDaemon {
  readonly #pool: LinkPool;
  readonly #stopSlots: () => void;
  /** Slots are worked on one after the other, however long one takes. */
  #last: Promise<SlotPackets | undefined> = Promise.resolve(undefined);

  readonly #opened: DaemonParts;
  readonly #context: PartyContext;
  readonly #events: MeterEvents;

  constructor(
    opened: DaemonParts,
    config: Pick<MeterConfig, 'addressOverrides'>,
    context: PartyContext,
    events: MeterEvents,
  ) {
    this.#opened = opened;
    this.#context = context;
    this.#events = events;

    const { clock, random, log } = context;
    this.#pool = new LinkPool({
      identity: opened.link,
      clock,
      random,
      addressOverrides: config.addressOverrides,
      onLost: (frames) => {
        log.warn({ frames }, 'packets were given up: an entry relay is out of reach');
      },
    });
    this.#stopSlots = everySlot(
      clock,
      () => this.#parametersNow(),
      (slot) => this.#slot(slot),
    );
  }

  async stop(): Promise<void> {
    this.#stopSlots();
    await this.#last;
    await this.#pool.close();
  }

  /**
   * One slot. The offsets are drawn and the timers set before the work begins, so nothing that the work depends on can
   * show in them.
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
    const { clock, random } = this.#context;
    const offset = drawOffsetMilliseconds(random, this.#parametersNow().onion.offsetWindowSeconds);
    clock.setTimer(slot.startSeconds * 1000 + offset, async () => {
      const made = await packets;
      if (made !== undefined) {
        this.#send(made[which]);
      }
    });
  }

  #send({ entry, bytes }: OutgoingPacket): void {
    if (!this.#pool.link(entry).send(FRAME.packet, bytes)) {
      this.#context.log.warn('a packet was given up: the link to its entry relay is full');
    }
  }

  #parametersNow(): Parameters {
    const { versions } = this.#opened.bulletin;
    const nowSeconds = this.#context.clock.nowMilliseconds() / 1000;
    return parametersAt(versions, nowSeconds);
  }
}
