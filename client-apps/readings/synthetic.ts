// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { MAX_HOUSEHOLDS, MAX_READINGS, ReadingsError, type Readings } from './readings.js';
import { CELL_SECONDS, SyntheticHousehold } from './synthetic-household.js';

/** Options of the generator. */
export interface SyntheticOptions {
  /** Any text; the same seed gives the same readings on every machine. */
  readonly seed: string;
  readonly meters: number;
  readonly intervals: number;
  /** L, a multiple of five minutes that divides a day. */
  readonly intervalSeconds: number;
  /** Start of the first interval, Unix seconds, a multiple of L. */
  readonly startSeconds: number;
}

/**
 * Synthesises readings with the shape of real days (base load, mornings, evenings, weekends, appliances) and a mean of
 * about 0.2 kWh per half hour. Integers only. A household's energy does not depend on the number of households, on L or
 * on the start: the same five minutes hold the same energy.
 *
 * @throws ReadingsError BAD_STEP, TOO_LARGE
 */
export function syntheticReadings(options: SyntheticOptions): Readings {
  const { seed, meters, intervals, intervalSeconds, startSeconds } = options;
  const source = `synthetic, seed ${seed}`;
  if (intervalSeconds % CELL_SECONDS !== 0 || DAY_SECONDS % intervalSeconds !== 0 || startSeconds % intervalSeconds) {
    throw new ReadingsError(
      'BAD_STEP',
      source,
      `interval of ${intervalSeconds} s must be a multiple of ${CELL_SECONDS} s that divides a day and its start`,
    );
  }
  if (meters > MAX_HOUSEHOLDS || meters * intervals > MAX_READINGS) {
    throw new ReadingsError('TOO_LARGE', source, `more than ${MAX_HOUSEHOLDS} households or ${MAX_READINGS} readings`);
  }
  const households = Array.from({ length: meters }, (_, index) => {
    const id = `household-${String(index + 1).padStart(4, '0')}`;
    return { id, milliWattHours: series(new SyntheticHousehold(`${seed} ${id}`), options) };
  });
  return { source, intervalSeconds, startSeconds, intervals, households, skipped: [] };
}

function series(household: SyntheticHousehold, options: SyntheticOptions): BigInt64Array {
  const { intervals, intervalSeconds, startSeconds } = options;
  const cellsPerInterval = intervalSeconds / CELL_SECONDS;
  const energies = new BigInt64Array(intervals);
  let day = -1;
  let cells = new Float64Array(0);
  for (let interval = 0; interval < intervals; interval++) {
    const start = startSeconds + interval * intervalSeconds;
    if (Math.floor(start / DAY_SECONDS) !== day) {
      day = Math.floor(start / DAY_SECONDS);
      cells = household.day(day) as Float64Array<ArrayBuffer>;
    }
    const first = (start % DAY_SECONDS) / CELL_SECONDS;
    let sum = 0;
    for (let cell = first; cell < first + cellsPerInterval; cell++) {
      sum += cells[cell]!;
    }
    energies[interval] = BigInt(sum);
  }
  return energies;
}
