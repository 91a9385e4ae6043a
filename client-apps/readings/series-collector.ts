// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { parseKilowattHours } from '../../protocol/energy/units.js';
import {
  MAX_HOUSEHOLDS,
  MAX_READINGS,
  MIN_INTERVAL_SECONDS,
  maximumMilliWattHours,
  ReadingsError,
  type Readings,
  type ReadingsFault,
  type SkippedHousehold,
} from './readings.js';

/** Household names: 1 to 64 printable ASCII characters without blanks at the ends. */
const HOUSEHOLD_NAME = /^[!-~](?:[ -~]{0,62}[!-~])?$/;

/** Options for loading readings. */
export interface LoadOptions {
  /** IANA zone of times without an offset (wide CSV). Default UTC. */
  readonly timeZone?: string;
  /** Skip and report a household with a fault, instead of refusing the file. */
  readonly lenient?: boolean;
  /** Number of households to read, in file order; the rest is ignored. */
  readonly meters?: number;
  /** Number of steps to return, of those for which every household has a reading. */
  readonly intervals?: number;
  /** Required step; needed for a file with one reading per household, which does not show its step. */
  readonly intervalSeconds?: number;
  /** The only household to read. */
  readonly household?: string;
}

/** Readings of a household so far, consecutive from `startSeconds`. */
export class Series {
  values = new BigInt64Array(64);
  count = 0;
  startSeconds = 0;
  fault: SkippedHousehold | undefined;

  constructor(
    readonly id: string,
    readonly firstLine: number,
  ) {}
}

/**
 * Collects readings of any file format: checks each one, keeps every household's series without a gap, and trims all to
 * the steps that they have in common. The first fault throws; under `lenient` the household is skipped.
 */
export class SeriesCollector {
  readonly #series = new Map<string, Series>();
  #stepSeconds: number | undefined;
  #maximum = 0n;
  #held = 0;

  constructor(
    readonly path: string,
    readonly options: LoadOptions,
  ) {
    if (options.intervalSeconds !== undefined) {
      this.setStep(options.intervalSeconds, 1);
    }
  }

  /** Sets the step of all series. @throws ReadingsError BAD_STEP */
  setStep(seconds: number, line: number): void {
    if (this.#stepSeconds !== undefined && this.#stepSeconds !== seconds) {
      throw this.error('BAD_STEP', line, `expected a step of ${this.#stepSeconds} s, got ${seconds} s`);
    }
    if (seconds < MIN_INTERVAL_SECONDS || DAY_SECONDS % seconds !== 0) {
      throw this.error(
        'BAD_STEP',
        line,
        `step of ${seconds} s must be at least ${MIN_INTERVAL_SECONDS} s and divide a day`,
      );
    }
    this.#stepSeconds = seconds;
    this.#maximum = maximumMilliWattHours(seconds);
  }

  /**
   * Opens the series of a household for adding readings.
   *
   * @returns undefined when the household is not requested or was skipped
   * @throws ReadingsError BAD_HOUSEHOLD, TOO_LARGE
   */
  open(id: string, line: number): Series | undefined {
    const known = this.#series.get(id);
    if (known !== undefined) {
      return known.fault === undefined ? known : undefined;
    }
    const { household, meters } = this.options;
    if ((household !== undefined && household !== id) || this.#series.size === meters) {
      return undefined;
    }
    if (!HOUSEHOLD_NAME.test(id)) {
      throw this.error('BAD_HOUSEHOLD', line, 'household name must be 1 to 64 printable ASCII characters');
    }
    if (this.#series.size === MAX_HOUSEHOLDS) {
      throw this.error('TOO_LARGE', line, `more than ${MAX_HOUSEHOLDS} households`);
    }
    const series = new Series(id, line);
    this.#series.set(id, series);
    return series;
  }

  /**
   * Adds one reading.
   *
   * @param startSeconds start of its interval, Unix seconds
   * @param kilowattHours decimal text
   * @returns false when the household is skipped from here on
   * @throws ReadingsError unless `lenient`
   */
  add(series: Series, startSeconds: number, kilowattHours: string, line: number): boolean {
    const misplaced = this.#misplaced(series, startSeconds, line);
    if (misplaced !== undefined) {
      return this.refuse(series, misplaced, line, `reading of ${instant(startSeconds)} ${PLACE_FAULTS[misplaced]}`);
    }
    if (kilowattHours === '' || kilowattHours === 'Null') {
      return this.refuse(series, 'MISSING', line, `no reading for ${instant(startSeconds)}`);
    }
    if (kilowattHours.startsWith('-')) {
      return this.refuse(series, 'NEGATIVE', line, `${kilowattHours} kWh`);
    }
    let energy: bigint;
    try {
      energy = parseKilowattHours(kilowattHours);
    } catch {
      return this.refuse(
        series,
        'BAD_NUMBER',
        line,
        `${JSON.stringify(kilowattHours.slice(0, 40))} is not a kWh value`,
      );
    }
    // At the first reading of a long file the step is unknown: the limit of a day applies until it is.
    if (energy > (this.#maximum || maximumMilliWattHours(DAY_SECONDS))) {
      return this.refuse(series, 'IMPOSSIBLE', line, `${kilowattHours} kWh exceeds a mean of 100 kW`);
    }
    this.#store(series, startSeconds, energy, line);
    return true;
  }

  /** Throws the refusal; under `lenient` skips the household and returns false. */
  refuse(series: Series, fault: ReadingsFault, line: number, detail: string): false {
    const error = this.error(fault, line, `household ${series.id}: ${detail}`);
    if (this.options.lenient !== true) {
      throw error;
    }
    series.fault = { id: series.id, fault, place: error.place };
    this.#held -= series.count;
    series.values = new BigInt64Array(0);
    return false;
  }

  error(fault: ReadingsFault, line: number, detail: string): ReadingsError {
    return new ReadingsError(fault, `${this.path}:${line}`, detail);
  }

  /**
   * Returns the common steps of all households not skipped.
   *
   * @throws ReadingsError BAD_STEP, TOO_SHORT, IMPOSSIBLE, UNKNOWN_HOUSEHOLD
   */
  finish(): Readings {
    const { intervals: wanted, household } = this.options;
    const step = this.#stepSeconds;
    if (household !== undefined && !this.#series.has(household)) {
      throw new ReadingsError('UNKNOWN_HOUSEHOLD', this.path, `household ${household} not found`);
    }
    if (step === undefined) {
      throw new ReadingsError('BAD_STEP', this.path, 'step unknown: no household has two readings');
    }
    const kept = [...this.#series.values()].filter((series) => this.#agrees(series, step));
    const startSeconds = Math.max(...kept.map((series) => series.startSeconds));
    const endSeconds = Math.min(...kept.map((series) => series.startSeconds + series.count * step));
    const common = kept.length === 0 ? 0 : Math.max(0, (endSeconds - startSeconds) / step);
    if (common === 0 || (wanted !== undefined && common < wanted)) {
      const detail = `expected ${wanted ?? 1} complete steps, got ${common} for ${kept.length} households`;
      throw new ReadingsError('TOO_SHORT', this.path, detail);
    }
    const intervals = wanted ?? common;
    return {
      source: this.path,
      intervalSeconds: step,
      startSeconds,
      intervals,
      households: kept.map(({ id, values, startSeconds: own }) => {
        const from = (startSeconds - own) / step;
        return { id, milliWattHours: values.slice(from, from + intervals) };
      }),
      skipped: [...this.#series.values()].flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
    };
  }

  /** Checks that need the step: the limit of the first value, and the alignment of all series. */
  #agrees(series: Series, step: number): boolean {
    if (series.fault !== undefined || series.count === 0) {
      return false;
    }
    if (series.values[0]! > this.#maximum) {
      return this.refuse(series, 'IMPOSSIBLE', series.firstLine, 'first reading exceeds a mean of 100 kW');
    }
    if (series.startSeconds % step !== this.#first().startSeconds % step) {
      return this.refuse(
        series,
        'BAD_STEP',
        series.firstLine,
        'steps are not aligned with those of the first household',
      );
    }
    return true;
  }

  #first(): Series {
    for (const series of this.#series.values()) {
      if (series.fault === undefined && series.count > 0) {
        return series;
      }
    }
    throw new ReadingsError('TOO_SHORT', this.path, 'no readings');
  }

  /** Checks a reading's place in its series. A series has no gap, so a time inside it is a duplicate. */
  #misplaced(series: Series, startSeconds: number, line: number): keyof typeof PLACE_FAULTS | undefined {
    if (series.count === 0) {
      return undefined;
    }
    if (startSeconds < series.startSeconds) {
      return 'UNORDERED';
    }
    const passed = startSeconds - series.startSeconds;
    if (passed === 0) {
      return 'DUPLICATE';
    }
    if (this.#stepSeconds === undefined) {
      this.setStep(passed, line);
    }
    const position = passed / this.#stepSeconds!;
    if (!Number.isInteger(position)) {
      return 'BAD_STEP';
    }
    if (position < series.count) {
      return 'DUPLICATE';
    }
    return position > series.count ? 'MISSING' : undefined;
  }

  #store(series: Series, startSeconds: number, energy: bigint, line: number): void {
    if (++this.#held > MAX_READINGS) {
      throw this.error('TOO_LARGE', line, `more than ${MAX_READINGS} readings`);
    }
    if (series.count === 0) {
      series.startSeconds = startSeconds;
    }
    if (series.count === series.values.length) {
      const grown = new BigInt64Array(series.values.length * 2);
      grown.set(series.values);
      series.values = grown;
    }
    series.values[series.count++] = energy;
  }
}

const PLACE_FAULTS = {
  UNORDERED: 'is earlier than the one before it',
  DUPLICATE: 'is a duplicate',
  BAD_STEP: 'is not on the step of the readings before it',
  MISSING: 'follows a gap',
} as const;

function instant(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}
