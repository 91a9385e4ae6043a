// SPDX-License-Identifier: Apache-2.0
import { DecayedSums, type HoldingLaw } from './decayed-sums.js';

/** Tolerance at which scaling ends: the probabilities of every packet add up to 1 within it. */
const TOLERANCE = 1e-9;
/** Limit of scaling rounds, reached only where the longest delay forces packets and convergence is slow. */
const MAXIMUM_ROUNDS = 500;

/**
 * Inference about an honest relay in a period in which it is never empty: the probability that packet j that left is
 * packet i that arrived,
 *
 *     P(j, i) = x_j · y_i · exp(−(τ_j − t_i) / mean)    for 0 ≤ τ_j − t_i ≤ longest delay, else 0,
 *
 * with x and y such that every packet that left had arrived (Σ_i P = 1) and every packet that arrived leaves (Σ_j P =
 * 1).
 *
 * Without a longest delay this is exact: the exponential law is memoryless, so each packet in the pool is the next to
 * leave with equal probability, and the resulting probabilities have this form. A longest delay excludes some
 * assignments. The exact answer then is a quotient of two permanents, which is infeasible for hundreds of packets;
 * scaling rows and columns to 1 gives the maximum-entropy distribution with the same support and sums.
 */
export class Exchange {
  /** Largest |Σ_j P − 1| at the end of scaling. */
  readonly residual: number;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #seen: DecayedSums;

  /**
   * @param arrivals milliseconds, ascending
   * @param departures milliseconds, ascending, as many
   */
  constructor(arrivals: Float64Array, departures: Float64Array, law: HoldingLaw) {
    const came = new DecayedSums(arrivals, departures, 'before', law);
    this.#seen = new DecayedSums(departures, arrivals, 'after', law);
    let y = poolShares(arrivals, departures, law);
    for (let round = 1; ; round++) {
      const x = came.of(y).map((sum) => 1 / sum);
      const columns = this.#seen.of(x);
      const residual = columns.reduce((most, column, index) => Math.max(most, Math.abs(column * y[index]! - 1)), 0);
      if (residual < TOLERANCE || round === MAXIMUM_ROUNDS) {
        this.#x = x;
        this.#y = y;
        this.residual = residual;
        return;
      }
      y = columns.map((column) => 1 / column);
    }
  }

  /**
   * Propagates probability backwards through the relay.
   *
   * @param departed mass on each packet that left
   * @returns mass on each packet that arrived, with the same sum
   */
  back(departed: Float64Array): Float64Array {
    const weighted = departed.map((mass, index) => mass * this.#x[index]!);
    return this.#seen.of(weighted).map((sum, index) => sum * this.#y[index]!);
  }
}

/**
 * Finds the ends of the busy periods of a relay, between which it held no packet.
 *
 * @returns for each the number of packets that had arrived, and left, by its end
 */
export function busyTimes(arrivals: Float64Array, departures: Float64Array): number[] {
  const ends: number[] = [];
  departures.forEach((departure, index) => {
    const next = arrivals[index + 1];
    if (next === undefined || next > departure) {
      ends.push(index + 1);
    }
  });
  return ends;
}

/**
 * Computes y where all packets of a pool are equally likely to leave next: exp(−t_i / mean) / Π (1 − 1/n), where the
 * product is over the departures before t_i, and n counts the packets in the pool.
 */
function poolShares(arrivals: Float64Array, departures: Float64Array, { meanMilliseconds }: HoldingLaw): Float64Array {
  const begin = arrivals[0] ?? 0;
  let left = 0;
  let logKept = 0;
  return arrivals.map((arrival, index) => {
    for (; departures[left]! < arrival; left++) {
      logKept += Math.log1p(-1 / (index - left));
    }
    return Math.exp(-logKept - (arrival - begin) / meanMilliseconds);
  });
}
