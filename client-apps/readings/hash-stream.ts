// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';

/** Bytes of one draw. */
const WORD_LENGTH = 4;
const WORD_VALUES = 2 ** 32;

/**
 * Reproducible draws: SHA-256 over a label and a counter, the same on every machine. For synthetic readings only, never
 * for secrets.
 */
export class HashStream {
  #block = new Uint8Array(0);
  #offset = 0;
  #counter = 0;

  readonly #label: string;

  /** @param label names the stream: equal labels give equal draws */
  constructor(label: string) {
    this.#label = label;
  }

  /** A uniform integer in [0, limit), limit ≤ 2^32. */
  below(limit: number): number {
    // Words above the last multiple of the limit are drawn again, which keeps the distribution uniform.
    const bound = WORD_VALUES - (WORD_VALUES % limit);
    for (;;) {
      const word = this.#word();
      if (word < bound) {
        return word % limit;
      }
    }
  }

  /** A uniform integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in `percent` of 100 draws. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  #word(): number {
    if (this.#offset === this.#block.length) {
      this.#block = createHash('sha256').update(`gridveil synthetic ${this.#label} ${this.#counter++}`).digest();
      this.#offset = 0;
    }
    const word = new DataView(this.#block.buffer, this.#block.byteOffset).getUint32(this.#offset);
    this.#offset += WORD_LENGTH;
    return word;
  }
}
