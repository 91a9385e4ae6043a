// SPDX-License-Identifier: Apache-2.0

export const DAY_SECONDS = 86_400;

/** Length of an interval. */
export interface IntervalLength {
  /** L. */
  readonly intervalSeconds: number;
}

/** Starts of intervals: the origin of the epochs and every L seconds after it. */
export interface IntervalGrid extends IntervalLength {
  /** Start of registry epoch 0, Unix seconds. */
  readonly epochOriginSeconds: number;
}

/** The part of the parameters that places an interval in time. All in seconds. */
export interface IntervalTiming extends IntervalGrid {
  /** Wait after the reporting window. */
  readonly graceSeconds: number;
  /** Length of a registry epoch. */
  readonly epochSeconds: number;
}

/** Start of the interval that contains a time. */
export function intervalStartAt({ intervalSeconds, epochOriginSeconds }: IntervalGrid, seconds: number): number {
  return epochOriginSeconds + Math.floor((seconds - epochOriginSeconds) / intervalSeconds) * intervalSeconds;
}

/** First start of an interval at a time or after it. */
export function intervalStartFrom(grid: IntervalGrid, seconds: number): number {
  return isIntervalStart(grid, seconds) ? seconds : intervalStartAfter(grid, seconds);
}

/** First start of an interval after a time. */
export function intervalStartAfter(grid: IntervalGrid, seconds: number): number {
  return nextStart(grid, intervalStartAt(grid, seconds));
}

/** Start of a later interval. @param count how many intervals later */
export function nextStart({ intervalSeconds }: IntervalLength, startSeconds: number, count = 1): number {
  return startSeconds + count * intervalSeconds;
}

/** Start of an earlier interval. @param count how many intervals earlier */
export function previousStart(length: IntervalLength, startSeconds: number, count = 1): number {
  return nextStart(length, startSeconds, -count);
}

/** Number of intervals from one start to another; negative when the other is earlier, not whole when it is not a start. */
export function intervalsBetween({ intervalSeconds }: IntervalLength, fromSeconds: number, toSeconds: number): number {
  return (toSeconds - fromSeconds) / intervalSeconds;
}

/** Whether an interval may start at this second: whole intervals are counted from the origin of the epochs. */
export function isIntervalStart({ intervalSeconds, epochOriginSeconds }: IntervalGrid, startSeconds: number): boolean {
  return startSeconds >= epochOriginSeconds && (startSeconds - epochOriginSeconds) % intervalSeconds === 0;
}
