// SPDX-License-Identifier: Apache-2.0
import { intervalsBetween } from '../../protocol/schedule/intervals.js';
import { ClientError } from '../runtime/errors.js';
import { loadReadings } from './load.js';
import type { Readings } from './readings.js';

/** The measuring part of a meter. */
export interface EnergyReader {
  /**
   * Energy of the interval [startSeconds, startSeconds + L) in milliwatt hours, or undefined when it has not been read
   * (yet). An interval's energy never changes.
   */
  energyOf(startSeconds: number): Promise<bigint | undefined>;
}

/** A measuring part that replays recorded readings. */
export class RecordedReader implements EnergyReader {
  readonly #series: BigInt64Array;

  readonly #readings: Readings;

  /** @param household index in the readings */
  constructor(readings: Readings, household = 0) {
    this.#readings = readings;

    const series = readings.households[household];
    if (series === undefined) {
      throw new ClientError(
        'WRONG_STATE',
        `expected a household from 0 to ${readings.households.length - 1}, got ${household}`,
      );
    }
    this.#series = series.milliWattHours;
  }

  /**
   * Reads one household's series from a file.
   *
   * @param intervalSeconds L; a file with another step is refused
   * @throws ReadingsError
   */
  static async fromFile(path: string, household: string, intervalSeconds: number): Promise<RecordedReader> {
    return new RecordedReader(await loadReadings(path, { household, intervalSeconds }));
  }

  /** Start of the first interval, Unix seconds. */
  get startSeconds(): number {
    return this.#readings.startSeconds;
  }

  energyOf(startSeconds: number): Promise<bigint | undefined> {
    return Promise.resolve(this.#series[intervalsBetween(this.#readings, this.#readings.startSeconds, startSeconds)]);
  }
}
