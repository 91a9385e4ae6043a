// SPDX-License-Identifier: Apache-2.0
import type { RandomSource } from '../../protocol/onion/packet.js';
import { drawIndex } from '../../protocol/onion/path.js';
import { slotAt, type Slot, type SlotTiming } from '../../protocol/schedule/slots.js';
import type { CancelTimer, Timers } from './timers.js';

/**
 * An offset into a slot, uniform in the common window, in whole milliseconds. Each packet gets its own: equal offsets
 * of a meter's two packets would pair them.
 *
 * @param windowSeconds length of the window; 0 lets all packets leave at the start
 */
export function drawOffsetMilliseconds(random: RandomSource, windowSeconds: number): number {
  return drawIndex(Math.max(1, windowSeconds * 1000), random);
}

/**
 * Runs a task at the start of every slot from the next one on. A task that takes longer than a slot does not delay the
 * next: slots are the clock's, not the task's. Slots that went by while the machine slept are not made up for, and none
 * comes twice when the clock is set back: there is never more than one run a slot.
 *
 * @param timing asked for before each slot, since parameters may change between intervals
 * @returns stops the schedule; a running task is not interrupted
 */
export function everySlot(timers: Timers, timing: () => SlotTiming, task: (slot: Slot) => Promise<void>): CancelTimer {
  const { clock } = timers;
  const next = (afterMilliseconds: number): number => {
    const { slotSeconds } = timing();
    return 1000 * (slotAt(timing(), afterMilliseconds / 1000).startSeconds + slotSeconds);
  };
  return timers.repeat('slot', next, (startMilliseconds) => {
    const isOver = clock.nowMilliseconds() >= startMilliseconds + 1000 * timing().slotSeconds;
    return isOver ? undefined : task(slotAt(timing(), startMilliseconds / 1000));
  });
}
