// SPDX-License-Identifier: Apache-2.0
import { ClientError } from '../runtime/errors.js';
import { loadReadings } from '../readings/load.js';
import type { Readings } from '../readings/readings.js';
import { syntheticReadings } from '../readings/synthetic.js';

const DEFAULT_METERS = 100;
const DEFAULT_INTERVALS = 4;
const SYNTHETIC_INTERVAL_SECONDS = 1_800;
/** A winter Monday, 17:00 UTC, when use rises. */
const SYNTHETIC_START_SECONDS = Date.UTC(2026, 0, 5, 17) / 1_000;
const SYNTHETIC_SEED = 'gridveil';

/** Selects the readings of a run. */
export interface ReadingsChoice {
  readonly readings?: string;
  readonly meters?: number;
  readonly intervals?: number;
  readonly timeZone?: string;
  readonly lenient?: boolean;
  readonly seed?: string;
}

/**
 * Loads or synthesises the readings of a run.
 *
 * @param leastMeters k: fewer meters could publish nothing
 * @param onSkipped called for each household that is skipped
 * @throws ReadingsError; ClientError READINGS_INVALID for too few households
 */
export async function readingsFor(
  choice: ReadingsChoice,
  leastMeters: number,
  onSkipped: (skipped: Readings['skipped'][number]) => void = () => undefined,
): Promise<Readings> {
  const { readings: file, seed = SYNTHETIC_SEED, ...options } = choice;
  const meters = options.meters ?? DEFAULT_METERS;
  const found =
    file === undefined
      ? syntheticReadings({
          seed,
          meters,
          intervals: options.intervals ?? DEFAULT_INTERVALS,
          intervalSeconds: SYNTHETIC_INTERVAL_SECONDS,
          startSeconds: SYNTHETIC_START_SECONDS,
        })
      : await loadReadings(file, { ...options, meters });
  found.skipped.forEach(onSkipped);
  const needed = options.lenient === true ? leastMeters : Math.max(leastMeters, options.meters ?? 0);
  if (found.households.length < needed) {
    const got = found.households.length;
    throw new ClientError('READINGS_INVALID', `${found.source}: expected at least ${needed} households, got ${got}`);
  }
  return options.intervals === undefined ? firstIntervals(found, DEFAULT_INTERVALS) : found;
}

function firstIntervals(readings: Readings, count: number): Readings {
  const intervals = Math.min(count, readings.intervals);
  const households = readings.households.map(({ id, milliWattHours }) => ({
    id,
    milliWattHours: milliWattHours.subarray(0, intervals),
  }));
  return { ...readings, intervals, households };
}
