// SPDX-License-Identifier: Apache-2.0

/** Law of the delays at relays, which an observer knows. */
export interface HoldingLaw {
  readonly meanMilliseconds: number;
  /** Longest delay. */
  readonly longestMilliseconds: number;
}

/**
 * Exponentially decayed sums: for each query q the sum of w_s · exp(−|q − s| / mean) over the sources s within the
 * longest delay before it (or after it). One pass computes all sums, because the weights beyond a source decay equally
 * for all queries.
 */
export class DecayedSums {
  /** exp of the distance from each source to the next, away from the queries; 0 where there is none. */
  readonly #decay: Float64Array;
  /** For each query the nearest source in the window, and the first beyond its end, in order of distance. */
  readonly #near: Int32Array;
  readonly #far: Int32Array;
  readonly #nearFactor: Float64Array;
  readonly #farFactor: Float64Array;
  /** The sum from each source on, and 0 beyond the last. */
  readonly #tails: Float64Array;
  readonly #mirrored: boolean;

  /**
   * @param sources milliseconds, ascending
   * @param queries milliseconds, ascending
   * @param side whether sources are `before` or `after` a query; one at the same time counts
   */
  constructor(sources: Float64Array, queries: Float64Array, side: 'before' | 'after', law: HoldingLaw) {
    // Sources before a query are sources after it in mirrored time.
    this.#mirrored = side === 'before';
    const times = this.#mirrored ? mirrored(sources) : sources;
    const froms = this.#mirrored ? mirrored(queries) : queries;
    const { meanMilliseconds: mean, longestMilliseconds: longest } = law;
    const count = times.length;
    this.#decay = Float64Array.from(times, (time, index) =>
      index + 1 < count ? Math.exp((time - times[index + 1]!) / mean) : 0,
    );
    this.#tails = new Float64Array(count + 1);
    this.#near = new Int32Array(froms.length);
    this.#far = new Int32Array(froms.length);
    this.#nearFactor = new Float64Array(froms.length);
    this.#farFactor = new Float64Array(froms.length);
    let near = 0;
    let far = 0;
    froms.forEach((from, index) => {
      while (near < count && times[near]! < from) {
        near++;
      }
      while (far < count && times[far]! <= from + longest) {
        far++;
      }
      this.#near[index] = near;
      this.#far[index] = far;
      this.#nearFactor[index] = near < count ? Math.exp((from - times[near]!) / mean) : 0;
      this.#farFactor[index] = far < count ? Math.exp((from - times[far]!) / mean) : 0;
    });
  }

  /**
   * @param weights one for each source
   * @returns one sum for each query
   */
  of(weights: Float64Array): Float64Array {
    const tails = this.#tails;
    const count = weights.length;
    const last = count - 1;
    for (let index = last; index >= 0; index--) {
      const weight = weights[this.#mirrored ? last - index : index]!;
      tails[index] = weight + this.#decay[index]! * tails[index + 1]!;
    }
    const queries = this.#near.length;
    const sums = new Float64Array(queries);
    for (let index = 0; index < queries; index++) {
      const near = tails[this.#near[index]!]! * this.#nearFactor[index]!;
      const far = tails[this.#far[index]!]! * this.#farFactor[index]!;
      // Rounding must not make a probability negative.
      sums[this.#mirrored ? queries - 1 - index : index] = Math.max(0, near - far);
    }
    return sums;
  }
}

function mirrored(times: Float64Array): Float64Array {
  return times.map((time) => -time).reverse();
}
