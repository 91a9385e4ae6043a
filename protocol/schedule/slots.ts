// SPDX-License-Identifier: Apache-2.0
import type { IntervalGrid } from './intervals.js';
import { reportedStart, windowStartSeconds } from './windows.js';

/** The part of the parameters that divides a reporting window into slots. All in seconds. */
export interface SlotTiming extends IntervalGrid {
  /** Length of a slot, a divisor of L. */
  readonly slotSeconds: number;
}

/** One slot of a reporting window. */
export interface Slot {
  /** Unix seconds. */
  readonly startSeconds: number;
  /** 0 for the first slot of the window. */
  readonly index: number;
  /** Slots of the window that are left, this one included. */
  readonly left: number;
  /** s of the ledger whose window this is: the slot is in [s + L, s + 2L). */
  readonly ledgerStartSeconds: number;
}

/** The slot that contains a time. */
export function slotAt(timing: SlotTiming, seconds: number): Slot {
  const ledgerStartSeconds = reportedStart(timing, seconds);
  const windowStart = windowStartSeconds(timing, ledgerStartSeconds);
  const index = Math.floor((seconds - windowStart) / timing.slotSeconds);
  return {
    startSeconds: windowStart + index * timing.slotSeconds,
    index,
    left: slotsPerInterval(timing) - index,
    ledgerStartSeconds,
  };
}

/** Start of the first slot after a time. */
export function slotStartAfter(timing: SlotTiming, seconds: number): number {
  return slotAt(timing, seconds).startSeconds + timing.slotSeconds;
}

/** Slots of a reporting window. */
export function slotsPerInterval(timing: Pick<SlotTiming, 'intervalSeconds' | 'slotSeconds'>): number {
  return timing.intervalSeconds / timing.slotSeconds;
}

/** Whether a slot of the reporting window of interval s starts at this second. */
export function isSlotOfWindow(timing: SlotTiming, startSeconds: number, slotStartSeconds: number): boolean {
  const sinceWindow = slotStartSeconds - windowStartSeconds(timing, startSeconds);
  return sinceWindow >= 0 && sinceWindow < timing.intervalSeconds && sinceWindow % timing.slotSeconds === 0;
}
