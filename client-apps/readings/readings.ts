// SPDX-License-Identifier: Apache-2.0
import { ClientError } from '../runtime/errors.js';

/** Reasons for refusing readings. */
export type ReadingsFault =
  | 'UNREADABLE'
  | 'BAD_HEADER'
  | 'BAD_LINE'
  | 'BAD_HOUSEHOLD'
  | 'BAD_TIME'
  | 'BAD_STEP'
  | 'BAD_NUMBER'
  | 'NEGATIVE'
  | 'IMPOSSIBLE'
  | 'MISSING'
  | 'DUPLICATE'
  | 'UNORDERED'
  | 'CLOCK_CHANGE'
  | 'UNKNOWN_TIME_ZONE'
  | 'UNKNOWN_HOUSEHOLD'
  | 'TOO_SHORT'
  | 'TOO_LARGE';

/** A refusal of readings, `READINGS_INVALID`. The message begins with place and fault. */
export class ReadingsError extends ClientError {
  constructor(
    readonly fault: ReadingsFault,
    /** `file:line`, or the file alone when the fault has no line. */
    readonly place: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super('READINGS_INVALID', `${place}: ${fault}: ${detail}`, options);
  }
}

/** One household's energy, one entry an interval. */
export interface HouseholdSeries {
  readonly id: string;
  /** Energy of each interval in milliwatt hours, in time order. */
  readonly milliWattHours: BigInt64Array;
}

/** A household skipped under `lenient`, and the first fault found in it. */
export interface SkippedHousehold {
  readonly id: string;
  readonly fault: ReadingsFault;
  readonly place: string;
}

/** Readings of several households over the same consecutive intervals. */
export interface Readings {
  /** Source of the readings: the file's path, or the synthetic generator and its seed. */
  readonly source: string;
  /** L, the length of an interval. */
  readonly intervalSeconds: number;
  /** Start of the first interval, Unix seconds. */
  readonly startSeconds: number;
  /** Number of intervals, the length of every series. */
  readonly intervals: number;
  readonly households: readonly HouseholdSeries[];
  readonly skipped: readonly SkippedHousehold[];
}

/** Maximum number of households, that of a region. */
export const MAX_HOUSEHOLDS = 5_000;

/** Maximum number of readings in memory, 8 bytes each: 80 days of half hours of 5,000 meters. */
export const MAX_READINGS = 20_000_000;

/** Shortest interval. */
export const MIN_INTERVAL_SECONDS = 60;

/** Mean power beyond that of any household's connection; more is a fault of the data. */
const MAX_AVERAGE_WATTS = 100_000n;

/** Maximum energy of a household in one interval, in milliwatt hours. */
export function maximumMilliWattHours(intervalSeconds: number): bigint {
  return (MAX_AVERAGE_WATTS * 1_000n * BigInt(intervalSeconds)) / 3_600n;
}

/**
 * Average energy of a household in an interval, in milliwatt hours, rounded down; the categories of a region are made
 * from it.
 */
export function averageMilliWattHours(readings: Readings): bigint {
  let sum = 0n;
  for (const { milliWattHours } of readings.households) {
    for (const energy of milliWattHours) {
      sum += energy;
    }
  }
  return sum / BigInt(readings.households.length * readings.intervals);
}
