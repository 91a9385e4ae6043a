// SPDX-License-Identifier: Apache-2.0
import { intervalStartAt, nextStart, type IntervalLength, type IntervalTiming } from './intervals.js';

/** Close of interval s, T of every seal: s + 2L + grace, when all that was sent has arrived. */
export function closeSeconds(
  timing: IntervalLength & Pick<IntervalTiming, 'graceSeconds'>,
  startSeconds: number,
): number {
  return nextStart(timing, startSeconds, 2) + timing.graceSeconds;
}

/** s of the oldest interval that is not closed at a time: its packets can still be under way. */
export function oldestUnclosedStart(timing: Omit<IntervalTiming, 'epochSeconds'>, seconds: number): number {
  return intervalStartAt(timing, seconds - timing.intervalSeconds - timing.graceSeconds);
}
