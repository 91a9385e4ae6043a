// SPDX-License-Identifier: Apache-2.0
import type { IntervalContext } from '../../../protocol/rules/interval-context.js';
import { rowValue } from '../../../protocol/ledger/row.js';
import { closeSeconds } from '../../../protocol/schedule/closes.js';
import { isSlotOfWindow, slotsPerInterval } from '../../../protocol/schedule/slots.js';
import { reportedStart } from '../../../protocol/schedule/windows.js';
import type { Clock } from '../../runtime/clock.js';
import type { ParameterVersions } from '../epochs/parameter-versions.js';
import type { AcceptedPacket, AcceptedRow } from '../intake/accepted-packet.js';

/** An interval that is not frozen, and the packets that arrived for it. */
export class OpenInterval {
  readonly rows: AcceptedRow[] = [];
  /** Packets accepted; the number of the next one in the journal. */
  packets = 0;
  readonly #energyOfMeter = new Map<number, bigint>();
  /** Meters that claimed more than their connection carries. */
  readonly beyondLimit = new Set<number>();
  readonly #slotsOfMeter = new Map<number, Set<number>>();

  constructor(readonly context: IntervalContext) {}

  /** Whether a packet of this meter has arrived in this slot. */
  hasSlot(meterNumber: number, slotStartSeconds: number): boolean {
    return this.#slotsOfMeter.get(meterNumber)?.has(slotStartSeconds) ?? false;
  }

  take({ meterNumber, slotStartSeconds, rows }: AcceptedPacket): void {
    const slots = this.#slotsOfMeter.get(meterNumber) ?? new Set<number>();
    this.#slotsOfMeter.set(meterNumber, slots.add(slotStartSeconds));
    this.rows.push(...rows);
    for (const { row } of rows) {
      this.#energyOfMeter.set(meterNumber, this.energyOf(meterNumber) + rowValue(row));
    }
    this.packets++;
  }

  /** Energy in the rows accepted from a meter, mWh. */
  energyOf(meterNumber: number): bigint {
    return this.#energyOfMeter.get(meterNumber) ?? 0n;
  }

  /** Whether the slot is one of the reporting window. @param slotStartSeconds Unix seconds */
  isSlot(slotStartSeconds: number): boolean {
    const { parameters, ledgerId } = this.context;
    return isSlotOfWindow(parameters, ledgerId.startSeconds, slotStartSeconds);
  }

  /** Slots of the window in which no packet of this meter arrived. */
  missedSlots(meterNumber: number): number {
    return slotsPerInterval(this.context.parameters) - (this.#slotsOfMeter.get(meterNumber)?.size ?? 0);
  }
}

/** Start of the region's first interval and of the first that is not frozen, Unix seconds. */
interface Unfrozen {
  readonly firstStartSeconds: number;
  readonly nextStartSeconds: number;
}

/** The intervals that are not frozen: the intake adds to those whose close has not passed. */
export class OpenIntervals {
  readonly #intervals = new Map<number, OpenInterval>();
  #unfrozen: Unfrozen | undefined;

  readonly #clock: Clock;
  readonly #versions: ParameterVersions;

  constructor(clock: Clock, versions: ParameterVersions) {
    this.#clock = clock;
    this.#versions = versions;
  }

  /** Drops the frozen intervals. Before the first call no interval accepts packets. */
  advance(unfrozen: Unfrozen): void {
    this.#unfrozen = unfrozen;
    for (const start of [...this.#intervals.keys()].filter((known) => known < unfrozen.nextStartSeconds)) {
      this.#intervals.delete(start);
    }
  }

  /**
   * The interval that a slot reports: `closed` when its close has passed, undefined when it does not accept packets
   * yet.
   */
  ofSlot(slotStartSeconds: number): OpenInterval | 'closed' | undefined {
    const start = reportedStart(this.#versions.first, slotStartSeconds);
    if (this.#unfrozen === undefined || start < this.#unfrozen.firstStartSeconds) {
      return undefined;
    }
    const nowSeconds = this.#clock.nowMilliseconds() / 1_000;
    if (start < this.#unfrozen.nextStartSeconds || nowSeconds >= closeSeconds(this.#versions.at(start), start)) {
      return 'closed';
    }
    // One window ahead at most, so that packets for the future need no memory.
    return nowSeconds < start ? undefined : this.get(start);
  }

  /** The interval that starts at this second, created if there is none. */
  get(startSeconds: number): OpenInterval {
    let interval = this.#intervals.get(startSeconds);
    if (interval === undefined) {
      interval = new OpenInterval(this.#versions.context(startSeconds));
      this.#intervals.set(startSeconds, interval);
    }
    return interval;
  }
}
