// SPDX-License-Identifier: Apache-2.0
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { ProtocolError } from '../errors.js';
import { intervalsBetween, type IntervalTiming } from './intervals.js';
import { windowStartSeconds } from './windows.js';

/** The part of the parameters that places registry epochs and their intervals in time. All in seconds. */
export type EpochTiming = Omit<IntervalTiming, 'graceSeconds'>;

/** Period in which packets of an epoch are sent, Unix seconds; `until` is excluded. */
export interface Validity {
  readonly validFromSeconds: number;
  readonly validUntilSeconds: number;
}

/**
 * Registry epoch of interval s.
 *
 * @throws ProtocolError `EPOCH_RANGE` before epoch 0 or after epoch 65,535
 */
export function epochOf(timing: EpochTiming, startSeconds: number): number {
  const epoch = epochNumber(timing, startSeconds);
  if (!(epoch >= 0 && epoch <= MAXIMUM_EPOCH)) {
    throw new ProtocolError('EPOCH_RANGE', `interval is in epoch ${epoch}, expected 0 to ${MAXIMUM_EPOCH}`);
  }
  return epoch;
}

/** Registry epoch at a time; the first or the last one for a time outside all of them. */
export function nearestEpoch(timing: EpochTiming, seconds: number): number {
  return Math.min(MAXIMUM_EPOCH, Math.max(0, epochNumber(timing, seconds)));
}

/** Number of interval s in its registry epoch, from 1. @throws ProtocolError as {@link epochOf} */
export function intervalNumber(timing: EpochTiming, startSeconds: number): number {
  return 1 + intervalsBetween(timing, epochStartSeconds(timing, epochOf(timing, startSeconds)), startSeconds);
}

/** Intervals of a registry epoch. */
export function intervalsPerEpoch({ epochSeconds, intervalSeconds }: EpochTiming): number {
  return epochSeconds / intervalSeconds;
}

/** Start of a registry epoch, Unix seconds. */
export function epochStartSeconds(timing: EpochTiming, epoch: number): number {
  return timing.epochOriginSeconds + epoch * timing.epochSeconds;
}

/**
 * Period in which packets of an epoch are sent: rows of interval s are sent in [s + L, s + 2L), so onion epochs begin
 * and end L after the registry epochs whose rows they carry.
 */
export function directoryValidity(timing: EpochTiming, epoch: number): Validity {
  const windowOfFirst = (number: number): number => windowStartSeconds(timing, epochStartSeconds(timing, number));
  return { validFromSeconds: windowOfFirst(epoch), validUntilSeconds: windowOfFirst(epoch + 1) };
}

function epochNumber({ epochOriginSeconds, epochSeconds }: EpochTiming, seconds: number): number {
  return Math.floor((seconds - epochOriginSeconds) / epochSeconds);
}
