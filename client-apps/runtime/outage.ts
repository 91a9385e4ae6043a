// SPDX-License-Identifier: Apache-2.0
import type { Log } from './log.js';

const FIRST_PAUSE_MILLISECONDS = 5_000;
const LONGEST_PAUSE_MILLISECONDS = 300_000;

/** Logs that another side gives no answer: at once, again at growing intervals while it lasts, and when it is over. */
export class Outage {
  #began: number | undefined;
  #isLogged = false;
  #nextWarning = -Infinity;
  #pause = FIRST_PAUSE_MILLISECONDS;

  readonly #log: Log;
  readonly #what: string;
  readonly #now: () => number;

  /**
   * @param what the other side, such as `ledger`
   * @param now milliseconds of a clock that only goes forward
   */
  constructor(log: Log, what: string, now = (): number => performance.now()) {
    this.#log = log;
    this.#what = what;
    this.#now = now;
  }

  /** A request was not answered, and is made again. @param details whom it went to, and why there was no answer */
  unanswered(details: Readonly<Record<string, string>>): void {
    const now = this.#now();
    this.#began ??= now;
    if (now < this.#nextWarning) {
      return;
    }
    this.#log.warn({ ...details, ...this.#seconds(now) }, `${this.#what}: no answer yet, asking again`);
    this.#isLogged = true;
    this.#nextWarning = now + this.#pause;
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MILLISECONDS);
  }

  /** A request was answered. */
  answered(): void {
    if (this.#began === undefined) {
      return;
    }
    const now = this.#now();
    if (this.#isLogged) {
      this.#log.info(this.#seconds(now), `${this.#what}: answers again`);
    }
    this.#began = undefined;
    this.#isLogged = false;
    this.#pause = FIRST_PAUSE_MILLISECONDS;
    // One that comes and goes is not told more often.
    this.#nextWarning = Math.min(this.#nextWarning, now + this.#pause);
  }

  #seconds(now: number): { seconds: number } {
    return { seconds: Math.round((now - this.#began!) / 1_000) };
  }
}
