// SPDX-License-Identifier: Apache-2.0
import type { Timers } from '../runtime/timers.js';

/** Runs tasks one after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Waits until a time of the clock, Unix seconds. */
export function atSeconds(timers: Timers, seconds: number): Promise<void> {
  return new Promise((resolve) => timers.at('schedule', seconds * 1_000, resolve));
}
