// SPDX-License-Identifier: Apache-2.0
import { equalBytes, readUint16, readUint32 } from '../../protocol/crypto/bytes.js';
import type { Loop } from '../../protocol/onion/loop.js';
import type { CancelTimer, Timers } from '../runtime/timers.js';

/**
 * Tolerance for a loop's return beyond its drawn delays: links, writing of replay tags, and clocks that advance by
 * seconds. A later one counts as missing.
 */
const LATE_MILLISECONDS = 5_000;

/** Events of loops. */
export interface LoopEvents {
  /** A loop returned. */
  readonly onCame?: (loop: Loop) => void;
  /** A loop is overdue. */
  readonly onMissing?: (loop: Loop) => void;
  /** Enough loops in a row are missing to raise the alarm, or one has returned after it. */
  readonly onCutOff: (cutOff: boolean) => void;
}

/** Tracks the loops that a party has sent. After a restart it expects none, and so misses none. */
export class LoopWatch {
  readonly #expected = new Map<number, { readonly loop: Loop; readonly cancel: CancelTimer }>();
  #missing = 0;
  #toAlarm = Infinity;

  readonly #timers: Timers;
  readonly #events: LoopEvents;

  constructor(timers: Timers, events: LoopEvents) {
    this.#timers = timers;
    this.#events = events;
  }

  /** True from the alarm until a loop returns. */
  get isCutOff(): boolean {
    return this.#missing >= this.#toAlarm;
  }

  /** @param toAlarm missing loops in a row that raise the alarm */
  sent(loop: Loop, toAlarm: number): void {
    this.#toAlarm = toAlarm;
    const key = shortKey(loop.key);
    const due = this.#timers.clock.nowMilliseconds() + loop.delayMilliseconds + LATE_MILLISECONDS;
    const cancel = this.#timers.at('loop watch', due, () => {
      this.#expected.delete(key);
      this.#missing++;
      this.#events.onMissing?.(loop);
      if (this.#missing === this.#toAlarm) {
        this.#events.onCutOff(true);
      }
    });
    this.#expected.set(key, { loop, cancel });
  }

  /**
   * Handles a packet that arrived.
   *
   * @param key its encapsulated key
   * @returns whether it is one of the loops
   */
  came(key: Uint8Array): boolean {
    if (this.#expected.size === 0) {
      return false;
    }
    const name = shortKey(key);
    const found = this.#expected.get(name);
    if (found === undefined || !equalBytes(found.loop.key, key)) {
      return false;
    }
    this.#expected.delete(name);
    found.cancel();
    const wasCutOff = this.isCutOff;
    this.#missing = 0;
    this.#events.onCame?.(found.loop);
    if (wasCutOff) {
      this.#events.onCutOff(false);
    }
    return true;
  }
}

/** Six random bytes of a key, as a number: every packet of a relay is looked up, and hexadecimal would cost as much as a hash. */
function shortKey(key: Uint8Array): number {
  return readUint32(key, 0) * 0x1_0000 + readUint16(key, 4);
}
