// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { drawIndex } from '../../protocol/onion/path.js';
import type { Readings } from '../../client-apps/readings/readings.js';

const WEEKEND_DAYS = 2;
/** 1970-01-01 was a Thursday; days from Monday on. */
const EPOCH_WEEKDAY = 3;

/** Result of the absence attack: what the totals show about households whose meters were silent. */
export interface AbsenceAttack {
  readonly meters: number;
  readonly intervalSeconds: number;
  readonly intervals: number;
  /** Standard deviation of the region's total from the observer's forecast, Wh. */
  readonly totalDeviationWattHours: number;
  /** Every meter is silent in some single intervals. */
  readonly singles: AbsenceFinding & {
    readonly silences: number;
    /** Silences of a household after which half of its difference from the average is learned. */
    readonly silencesForHalf: number;
  };
  /** A meter is silent for a day, then sends the missed energy as fast as possible. */
  readonly day: AbsenceFinding;
  /** The same, with the missed energy spread over another day. */
  readonly daySpread: AbsenceFinding;
}

/** Quality of the observer's estimates. */
export interface AbsenceFinding {
  /** Standard deviation of the households' true energy around the region's average, Wh. */
  readonly spreadWattHours: number;
  /** Standard deviation of the estimate's error, Wh. */
  readonly errorWattHours: number;
  /** Share of the variance between households that the estimates explain, 0 to 1. */
  readonly learned: number;
}

/**
 * Measures the absence attack. An observer of the meters' links sees which meters send nothing. Each interval's total
 * is published; the energy of a silent meter is missing from it and appears in the one after its return. The observer
 * forecasts each interval by the average of its time of day and the number of meters that sent, and attributes the
 * difference to the silent meters.
 *
 * The observer is stronger than a real one: totals are measured energy to the watt hour, without carry and suppressed
 * rows.
 *
 * @param silences single intervals in which each meter is silent
 * @param mostPerInterval energy that a meter can send in one reporting window, Wh
 */
export function absenceAttack(
  readings: Readings,
  silences: number,
  mostPerInterval: number,
  random: RandomSource,
): AbsenceAttack {
  const { intervalSeconds, intervals } = readings;
  const energy = readings.households.map(({ milliWattHours }) =>
    Float64Array.from({ length: intervals }, (_, interval) => Number(milliWattHours[interval]!) / 1000),
  );
  const times = timesOfDay(readings);
  const totals = totalsOf(energy, intervals);
  const allMeters = new Float64Array(intervals).fill(energy.length);
  const usual = surprises(totals, allMeters, times);
  const singles = singleSilences(energy, times, silences, random);
  const perDay = DAY_SECONDS / intervalSeconds;
  const atOnce = (missed: number): number => Math.max(1, Math.ceil(missed / mostPerInterval));
  return {
    meters: energy.length,
    intervalSeconds,
    intervals,
    totalDeviationWattHours: deviation(usual.surprise),
    singles: { silences, ...singles, silencesForHalf: (silences * (1 - singles.learned)) / singles.learned },
    day: dayOfSilence(energy, usual, { perDay, windowsOf: atOnce }, random),
    daySpread: dayOfSilence(energy, usual, { perDay, windowsOf: () => perDay }, random),
  };
}

/** Index of each interval by time of day and kind of day, for which an observer knows the region's mean use. */
function timesOfDay({ intervalSeconds, intervals, startSeconds }: Readings): Int32Array {
  const perDay = DAY_SECONDS / intervalSeconds;
  return Int32Array.from({ length: intervals }, (_, interval) => {
    const seconds = startSeconds + interval * intervalSeconds;
    const weekday = (Math.floor(seconds / DAY_SECONDS) + EPOCH_WEEKDAY) % 7;
    const isWeekend = weekday >= 7 - WEEKEND_DAYS;
    return Math.floor((seconds % DAY_SECONDS) / intervalSeconds) + (isWeekend ? perDay : 0);
  });
}

function totalsOf(energy: readonly Float64Array[], intervals: number): Float64Array {
  const totals = new Float64Array(intervals);
  for (const household of energy) {
    household.forEach((wattHours, interval) => (totals[interval]! += wattHours));
  }
  return totals;
}

interface Surprises {
  /** Total less the forecast, Wh. */
  readonly surprise: Float64Array;
  /** Forecast for one meter, Wh. */
  readonly average: Float64Array;
}

/**
 * Computes the observer's forecast and its errors.
 *
 * @param due number of intervals of energy received in each interval: one per meter that sent, more after a silence
 */
function surprises(totals: Float64Array, due: Float64Array, times: Int32Array): Surprises {
  const sums = new Float64Array(Math.max(...times) + 1);
  const counts = new Float64Array(sums.length);
  totals.forEach((total, interval) => {
    sums[times[interval]!]! += total;
    counts[times[interval]!]! += due[interval]!;
  });
  const average = Float64Array.from(times, (time) => sums[time]! / counts[time]!);
  return { surprise: totals.map((total, interval) => total - due[interval]! * average[interval]!), average };
}

function singleSilences(
  energy: readonly Float64Array[],
  times: Int32Array,
  silences: number,
  random: RandomSource,
): AbsenceFinding {
  const intervals = times.length;
  const totals = totalsOf(energy, intervals);
  const due = new Float64Array(intervals).fill(energy.length);
  const silent = energy.map((household) => {
    // Every second interval at most, so that each silence has its own return.
    const chosen = new Set<number>();
    while (chosen.size < silences) {
      chosen.add(2 * drawIndex(Math.floor(intervals / 2), random));
    }
    for (const interval of chosen) {
      totals[interval]! -= household[interval]!;
      due[interval]! -= 1;
      if (interval + 1 === intervals) {
        continue;
      }
      totals[interval + 1]! += household[interval]!;
      due[interval + 1]! += 1;
    }
    return [...chosen];
  });
  const { surprise, average } = surprises(totals, due, times);
  const truth = energy.map((household, meter) =>
    mean(silent[meter]!.map((interval) => household[interval]! - average[interval]!)),
  );
  // The energy is missing in one interval and in excess in the next, so it is seen twice.
  const estimates = silent.map((chosen) =>
    mean(chosen.map((interval) => ((surprise[interval + 1] ?? 0) - surprise[interval]!) / 2)),
  );
  return finding(truth, estimates);
}

/** The return of a household after a day of silence. */
interface Return {
  /** Intervals of a day. */
  readonly perDay: number;
  /** Reporting windows in which the household sends the missed energy, given in Wh. */
  readonly windowsOf: (missed: number) => number;
}

function dayOfSilence(
  energy: readonly Float64Array[],
  { surprise, average }: Surprises,
  { perDay, windowsOf }: Return,
  random: RandomSource,
): AbsenceFinding {
  const intervals = surprise.length;
  const truth: number[] = [];
  const estimates: number[] = [];
  for (const household of energy) {
    const back = perDay + drawIndex(intervals - 2 * perDay, random);
    let missed = 0;
    let expected = 0;
    for (let interval = back - perDay; interval < back; interval++) {
      missed += household[interval]!;
      expected += average[interval]!;
    }
    // The observer adds up the windows of the return, with all other forecast errors in them.
    let unexpected = missed - expected;
    for (let interval = back; interval < back + windowsOf(missed); interval++) {
      unexpected += surprise[interval]!;
    }
    truth.push(missed - expected);
    estimates.push(unexpected);
  }
  return finding(truth, estimates);
}

function finding(truth: readonly number[], estimates: readonly number[]): AbsenceFinding {
  const spread = deviation(truth);
  const error = deviation(estimates.map((estimate, index) => estimate - truth[index]!));
  return { spreadWattHours: spread, errorWattHours: error, learned: spread ** 2 / (spread ** 2 + error ** 2) };
}

function deviation(values: ArrayLike<number>): number {
  const list = Array.from(values);
  const centre = mean(list);
  return Math.sqrt(mean(list.map((value) => (value - centre) ** 2)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
