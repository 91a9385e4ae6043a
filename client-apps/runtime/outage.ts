// SPDX-License-Identifier: Apache-2.0
import { Backoff } from './backoff.js';
import type { Log } from './log.js';

/** Bounds of the pauses between warnings of one outage. */
const PAUSES = { firstPauseMilliseconds: 5_000, longestPauseMilliseconds: 300_000 };

/** Logs an outage of a peer: its start, reminders at growing intervals, and its end. */
export class Outage {
  #began: number | undefined;
  #isLogged = false;
  #nextWarning = -Infinity;
  readonly #warnings = new Backoff(PAUSES);

  readonly #log: Log;
  readonly #what: string;
  readonly #now: () => number;

  /**
   * @param what name of the peer, such as `ledger`
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
    this.#log.warn({ ...details, ...this.#seconds(now) }, `${this.#what}: no answer yet, retrying`);
    this.#isLogged = true;
    this.#nextWarning = now + this.#warnings.next();
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
    this.#warnings.reset();
    // One that comes and goes is not told more often.
    this.#nextWarning = Math.min(this.#nextWarning, now + PAUSES.firstPauseMilliseconds);
  }

  #seconds(now: number): { seconds: number } {
    return { seconds: Math.round((now - this.#began!) / 1_000) };
  }
}
