// SPDX-License-Identifier: Apache-2.0
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { ProtocolError } from '../errors.js';

export const DAY_SECONDS = 86_400;

/** The part of the parameters that places an interval in time. All in seconds. */
export interface IntervalTiming {
  /** L. */
  readonly intervalSeconds: number;
  /** Wait after the reporting window. */
  readonly graceSeconds: number;
  /** Start of registry epoch 0. */
  readonly epochOriginSeconds: number;
  /** Length of a registry epoch. */
  readonly epochSeconds: number;
}

/** Start of the reporting window [s + L, s + 2L). */
export function windowStartSeconds(timing: IntervalTiming, startSeconds: number): number {
  return startSeconds + timing.intervalSeconds;
}

/** T of every row: s + L, for a finer time tells which rows cannot be one meter's. */
export function rowTimeSeconds(timing: IntervalTiming, startSeconds: number): number {
  return startSeconds + timing.intervalSeconds;
}

/** T of every seal: s + 2L + grace, when all that was sent has arrived. */
export function closeSeconds(timing: IntervalTiming, startSeconds: number): number {
  return startSeconds + 2 * timing.intervalSeconds + timing.graceSeconds;
}

/**
 * Registry epoch of interval s.
 *
 * @throws ProtocolError `EPOCH_RANGE` before epoch 0 or after epoch 65,535
 */
export function epochOf(timing: IntervalTiming, startSeconds: number): number {
  const epoch = Math.floor((startSeconds - timing.epochOriginSeconds) / timing.epochSeconds);
  if (!(epoch >= 0 && epoch <= MAXIMUM_EPOCH)) {
    throw new ProtocolError('EPOCH_RANGE', 'interval is outside the epochs');
  }
  return epoch;
}

/** Number of interval s in its registry epoch, from 1. @throws ProtocolError as {@link epochOf} */
export function intervalNumber(timing: IntervalTiming, startSeconds: number): number {
  return 1 + (startSeconds - epochStartSeconds(timing, epochOf(timing, startSeconds))) / timing.intervalSeconds;
}

/** Start of a registry epoch, Unix seconds. */
export function epochStartSeconds(timing: IntervalTiming, epoch: number): number {
  return timing.epochOriginSeconds + epoch * timing.epochSeconds;
}

/** Whether an interval may start at this second: whole intervals are counted from the origin of the epochs. */
export function isIntervalStart(timing: IntervalTiming, startSeconds: number): boolean {
  return (
    startSeconds >= timing.epochOriginSeconds &&
    (startSeconds - timing.epochOriginSeconds) % timing.intervalSeconds === 0
  );
}
