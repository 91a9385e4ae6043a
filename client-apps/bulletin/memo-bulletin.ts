// SPDX-License-Identifier: Apache-2.0
import type { IntervalFile } from './layout.js';
import type { BulletinSource } from './reader.js';
import type { Clock } from '../runtime/clock.js';

/** Time for which an answer is shared; shorter than any slot, so that a reader sees the current files in each slot. */
const SHARED_MILLISECONDS = 10_000;

type Answer = Promise<Uint8Array | undefined>;

/**
 * Shares downloads among the parties of a host for a short time. Only bytes are shared: each party verifies them
 * itself.
 */
export class MemoBulletin implements BulletinSource {
  readonly #answers = new Map<string, Answer>();
  #sinceMilliseconds = Number.NEGATIVE_INFINITY;

  readonly #source: BulletinSource;
  readonly #clock: Clock;

  constructor(source: BulletinSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  readParameters(): Answer {
    return this.#share('parameters', () => this.#source.readParameters());
  }

  readDirectory(region: string, epoch: number): Answer {
    return this.#share(`directory ${region} ${epoch}`, () => this.#source.readDirectory(region, epoch));
  }

  readConsumers(region: string, epoch: number): Answer {
    return this.#share(`consumers ${region} ${epoch}`, () => this.#source.readConsumers(region, epoch));
  }

  readFile(region: string, startSeconds: number, file: IntervalFile): Answer {
    return this.#share(`${region} ${startSeconds} ${file}`, () => this.#source.readFile(region, startSeconds, file));
  }

  close(): void {
    this.#source.close();
  }

  #share(name: string, read: () => Answer): Answer {
    const now = this.#clock.nowMilliseconds();
    if (now - this.#sinceMilliseconds >= SHARED_MILLISECONDS) {
      this.#answers.clear();
      this.#sinceMilliseconds = now;
    }
    let answer = this.#answers.get(name);
    if (answer === undefined) {
      answer = read();
      this.#answers.set(name, answer);
      // A failure is not shared.
      answer.catch(() => this.#answers.delete(name));
    }
    return answer;
  }
}
