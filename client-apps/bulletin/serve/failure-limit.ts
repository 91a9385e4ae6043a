// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../runtime/clock.js';
import { Counts } from '../../runtime/counts.js';
import type { AddressPrefix } from './address-prefix.js';

/** Failed attempts that one subscriber has in a period. A household that mistypes its code needs a few. */
export const FAILURES = 10;
export const PERIOD_MILLISECONDS = 60_000;

/** Subscribers of one site that are counted separately; further ones of that site share a count. */
export const MAXIMUM_SUBSCRIBERS_PER_SITE = 256;
/** Counts kept at once. Failures of further networks are not counted: no subscriber is refused for the failures of others. */
export const MAXIMUM_COUNTS = 10_000;

/**
 * Bounds failed attempts, to protect the control center's CPU time: codes of 128 bits cannot be guessed anyway, and
 * each success costs a one-use code.
 */
export class FailureLimit {
  #failures = new Counts<string>();
  /** Subscribers counted separately, by site. */
  #subscribers = new Counts<string>();
  #periodEnd = 0;

  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this subscriber may try again. */
  allows(prefix: AddressPrefix): boolean {
    this.#turnPeriod();
    return this.#failures.of(this.#countOf(prefix)) < FAILURES;
  }

  /** Counts a failed attempt. */
  fail(prefix: AddressPrefix): void {
    this.#turnPeriod();
    const count = this.#countOf(prefix);
    const isFirst = this.#failures.of(count) === 0;
    if (isFirst && this.#failures.all.size >= MAXIMUM_COUNTS) {
      return;
    }
    this.#failures.add(count);
    if (isFirst) {
      this.#subscribers.add(prefix.site);
    }
  }

  /** The name of a subscriber's count: its own, or that of its site once many of the site have one. */
  #countOf({ subscriber, site }: AddressPrefix): string {
    const isFull = this.#subscribers.of(site) >= MAXIMUM_SUBSCRIBERS_PER_SITE;
    return this.#failures.of(subscriber) > 0 || !isFull ? subscriber : `site ${site}`;
  }

  #turnPeriod(): void {
    const now = this.#clock.nowMilliseconds();
    if (now < this.#periodEnd) {
      return;
    }
    this.#failures = new Counts();
    this.#subscribers = new Counts();
    this.#periodEnd = now + PERIOD_MILLISECONDS;
  }
}
