// SPDX-License-Identifier: Apache-2.0
import { slotsPerInterval } from '../../../protocol/schedule/slots.js';
import { windowStartSeconds } from '../../../protocol/schedule/windows.js';
import type { IntervalContext } from '../../../protocol/rules/interval-context.js';
import type { TakenPacket, TakenRow } from '../intake/taken-packet.js';

/** What has come in for an interval whose cut is not frozen yet. */
export class OpenInterval {
  readonly rows: TakenRow[] = [];
  /** Packets taken; the number of the next one in the journal. */
  packets = 0;
  readonly #slotsOfMeter = new Map<number, Set<number>>();

  constructor(readonly context: IntervalContext) {}

  /** Whether a packet of this meter has come in this slot. */
  hasSlot(meterNumber: number, slotStartSeconds: number): boolean {
    return this.#slotsOfMeter.get(meterNumber)?.has(slotStartSeconds) ?? false;
  }

  take({ meterNumber, slotStartSeconds, rows }: TakenPacket): void {
    const slots = this.#slotsOfMeter.get(meterNumber) ?? new Set<number>();
    this.#slotsOfMeter.set(meterNumber, slots.add(slotStartSeconds));
    this.rows.push(...rows);
    this.packets++;
  }

  /** Whether the slot is one of the reporting window. @param slotStartSeconds Unix seconds */
  isSlot(slotStartSeconds: number): boolean {
    const { parameters, ledgerId } = this.context;
    const sinceWindow = slotStartSeconds - windowStartSeconds(parameters, ledgerId.startSeconds);
    return sinceWindow >= 0 && sinceWindow < parameters.intervalSeconds && sinceWindow % parameters.slotSeconds === 0;
  }

  /** Slots of the window in which no packet of this meter came. */
  missedSlots(meterNumber: number): number {
    return slotsPerInterval(this.context.parameters) - (this.#slotsOfMeter.get(meterNumber)?.size ?? 0);
  }
}
