// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { drawIndex } from '../../protocol/onion/path.js';
import type { Readings } from '../../client-apps/readings/readings.js';

const WEEKEND_DAYS = 2;
/** 1970-01-01 was a Thursday; days from Monday on. */
const EPOCH_WEEKDAY = 3;

/** What the observer learns from the totals about households whose meters he saw to be silent. */
export interface AbsenceAttack {
  readonly meters: number;
  readonly intervalSeconds: number;
  readonly intervals: number;
  /** Standard deviation of the region's total around what the observer expects, Wh. */
  readonly totalDeviationWattHours: number;
  /** Every meter is silent in this many single intervals. */
  readonly singles: AbsenceFinding & {
    readonly silences: number;
    /** Silences of a household after which half of what makes it different would be learned. */
    readonly silencesForHalf: number;
  };
  /** One meter is silent for a day, and then sends what it had measured as soon as it can. */
  readonly day: AbsenceFinding;
  /** The same, if it spread what it had measured over another day. */
  readonly daySpread: AbsenceFinding;
}

/** How good the observer's estimates are. */
export interface AbsenceFinding {
  /** Standard deviation of the households' true energy around the region's average, Wh. */
  readonly spreadWattHours: number;
  /** Standard deviation of the estimate's error, Wh. */
  readonly errorWattHours: number;
  /** Share of the variance between households that the best use of the estimates explains, 0 to 1. */
  readonly learned: number;
}

/**
 * The absence attack. Who sees the meters' links sees which meters send nothing. Each interval's total is published; the
 * energy of a meter that was silent is missing from it and stands in the one after its return. The observer expects of
 * each interval the average of its time of day times the intervals of energy that were due, and takes what differs for
 * the doing of those who were silent.
 *
 * He is given more than he would have: totals hold measured energy to the watt hour, without carry and without rows that
 * were left out, and nothing but households is in them.
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
  const everybody = new Float64Array(intervals).fill(energy.length);
  const usual = surprises(totals, everybody, times);
  const singles = singleSilences(energy, times, silences, random);
  const perDay = DAY_SECONDS / intervalSeconds;
  const atOnce = (missed: number): number => Math.max(1, Math.ceil(missed / mostPerInterval));
  return {
    meters: energy.length,
    intervalSeconds,
    intervals,
    totalDeviationWattHours: deviation(usual.surprise),
    singles: { silences, ...singles, silencesForHalf: (silences * (1 - singles.learned)) / singles.learned },
    day: dayOff(energy, usual, perDay, atOnce, random),
    daySpread: dayOff(energy, usual, perDay, () => perDay, random),
  };
}

/** Energy by the time of day and kind of day: what an observer knows of the region's habits. */
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
  /** Total less what was expected, Wh. */
  readonly surprise: Float64Array;
  /** Expected of one meter, Wh. */
  readonly average: Float64Array;
}

/**
 * What the observer did not expect.
 *
 * @param due intervals of energy that came in each interval: one of every meter that sent, more after a silence
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
    // Every other interval at most, so that each silence has a return of its own.
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
  // Missing in the one interval and too much in the next: half the difference is seen twice.
  const estimates = silent.map((chosen) =>
    mean(chosen.map((interval) => ((surprise[interval + 1] ?? 0) - surprise[interval]!) / 2)),
  );
  return finding(truth, estimates);
}

/**
 * @param windowsOf reporting windows in which a household sends what it had missed, from that energy in Wh
 */
function dayOff(
  energy: readonly Float64Array[],
  { surprise, average }: Surprises,
  perDay: number,
  windowsOf: (missed: number) => number,
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
    // The observer adds up the windows in which it comes, and with it what else he did not expect of them.
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
