// SPDX-License-Identifier: Apache-2.0

/** Histogram with bins of equal width, in constant memory; the mean is exact. */
export class Histogram {
  readonly counts: Uint32Array;
  count = 0;
  #sum = 0;
  #minimum = Number.POSITIVE_INFINITY;
  #maximum = Number.NEGATIVE_INFINITY;

  /** @param limit values are from 0 to this; larger ones are counted in the last bin */
  constructor(
    readonly limit: number,
    readonly bins: number,
  ) {
    this.counts = new Uint32Array(bins);
  }

  get width(): number {
    return this.limit / this.bins;
  }

  add(value: number): void {
    const bin = Math.min(this.bins - 1, Math.floor(value / this.width));
    this.counts[bin]! += 1;
    this.count++;
    this.#sum += value;
    this.#minimum = Math.min(this.#minimum, value);
    this.#maximum = Math.max(this.#maximum, value);
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count;
  }

  get minimum(): number {
    return this.count === 0 ? 0 : this.#minimum;
  }

  get maximum(): number {
    return this.count === 0 ? 0 : this.#maximum;
  }

  /**
   * Returns a quantile to the width of a bin, within minimum and maximum.
   *
   * @param share 0 to 1
   * @param edge conservative edge of the bin: `upper` where small values are better, `lower` where large ones are
   */
  quantile(share: number, edge: 'lower' | 'upper'): number {
    let left = share * this.count;
    for (let bin = 0; bin < this.bins; bin++) {
      left -= this.counts[bin]!;
      if (left > 0) {
        continue;
      }
      return edge === 'lower'
        ? Math.max(this.minimum, bin * this.width)
        : Math.min(this.maximum, (bin + 1) * this.width);
    }
    return this.maximum;
  }
}
