// SPDX-License-Identifier: Apache-2.0

/** The part of the parameters that places slots in time. All in seconds. */
export interface SlotTiming {
  /** L. Reporting windows are intervals, counted from the origin of the epochs. */
  readonly intervalSeconds: number;
  /** Length of a slot, a divisor of L. */
  readonly slotSeconds: number;
  readonly epochOriginSeconds: number;
}

/** One slot of a reporting window. */
export interface Slot {
  /** Unix seconds. */
  readonly startSeconds: number;
  /** 0 for the first slot of the window. */
  readonly index: number;
  /** Slots of the window that are left, this one included. */
  readonly left: number;
  /** s of the ledger whose window this is: the slot lies in [s + L, s + 2L). */
  readonly ledgerStartSeconds: number;
}

/** The slot that a time lies in. */
export function slotAt(timing: SlotTiming, timeSeconds: number): Slot {
  const { intervalSeconds, slotSeconds, epochOriginSeconds } = timing;
  const sinceOrigin = timeSeconds - epochOriginSeconds;
  const windowStart = epochOriginSeconds + Math.floor(sinceOrigin / intervalSeconds) * intervalSeconds;
  const index = Math.floor((timeSeconds - windowStart) / slotSeconds);
  return {
    startSeconds: windowStart + index * slotSeconds,
    index,
    left: intervalSeconds / slotSeconds - index,
    ledgerStartSeconds: windowStart - intervalSeconds,
  };
}
