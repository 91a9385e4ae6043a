// SPDX-License-Identifier: Apache-2.0
import { setTimeout as wait } from 'node:timers/promises';

/** Bounds of the pauses between attempts. */
export interface Pauses {
  /** Pause before the second attempt, milliseconds; it doubles from there. */
  readonly firstPauseMilliseconds: number;
  readonly longestPauseMilliseconds: number;
}

/**
 * Growing pauses between attempts, in real time: they concern the machine and not the protocol, and a ledger or a
 * socket needs its seconds also where simulated time does not move.
 */
export class Backoff {
  readonly #pauses: Pauses;
  readonly #draw: ((below: number) => number) | undefined;
  #step: number;

  /**
   * @param draw a random integer below a bound. With it each pause is between half and the whole of its step, so that
   *   clients which failed together do not return together
   */
  constructor(pauses: Pauses, draw?: (below: number) => number) {
    this.#pauses = pauses;
    this.#draw = draw;
    this.#step = pauses.firstPauseMilliseconds;
  }

  /** The next pause, milliseconds; the one after it is longer. */
  next(): number {
    const step = this.#step;
    this.#step = Math.min(2 * step, this.#pauses.longestPauseMilliseconds);
    return this.#draw === undefined ? step : step / 2 + this.#draw(Math.ceil(step / 2));
  }

  /**
   * Waits for the next pause. Resolves early when the signal is aborted.
   *
   * @param keepsProcess false where the wait must not keep a process alive that has nothing else to do
   */
  async pause(signal?: AbortSignal, keepsProcess = true): Promise<void> {
    try {
      await wait(this.next(), undefined, { ref: keepsProcess, ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      if (signal?.aborted !== true) {
        throw error;
      }
    }
  }

  /** Begins with the first pause again. */
  reset(): void {
    this.#step = this.#pauses.firstPauseMilliseconds;
  }
}
