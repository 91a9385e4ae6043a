// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../runtime/clock.js';

/** Failed attempts that one address has in a period. A household that mistypes its code needs a few. */
const FAILURES = 10;
const PERIOD_MILLISECONDS = 60_000;

/** Addresses counted separately; any further ones share one count until the period ends. */
const MAXIMUM_ADDRESSES = 10_000;

const SHARED = '';

/**
 * Bounds failed attempts, to protect the control center's CPU time: codes of 128 bits cannot be guessed anyway, and
 * each success costs a one-use code.
 */
export class FailureLimit {
  #failures = new Map<string, number>();
  #periodEnd = 0;

  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this address may try again. */
  allows(address: string): boolean {
    this.#turnPeriod();
    return (this.#failures.get(this.#bucket(address)) ?? 0) < FAILURES;
  }

  /** Counts a failed attempt. */
  fail(address: string): void {
    this.#turnPeriod();
    const bucket = this.#bucket(address);
    this.#failures.set(bucket, (this.#failures.get(bucket) ?? 0) + 1);
  }

  #bucket(address: string): string {
    return this.#failures.has(address) || this.#failures.size < MAXIMUM_ADDRESSES ? address : SHARED;
  }

  #turnPeriod(): void {
    const now = this.#clock.nowMilliseconds();
    if (now < this.#periodEnd) {
      return;
    }
    this.#failures = new Map();
    this.#periodEnd = now + PERIOD_MILLISECONDS;
  }
}
