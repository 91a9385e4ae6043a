// SPDX-License-Identifier: Apache-2.0
import { ClientError } from '../runtime/errors.js';
import type { IntervalFile } from './layout.js';
import type { BulletinSource } from './reader.js';

type Answer = Promise<Uint8Array | undefined>;
type Read<T> = (source: BulletinSource) => Promise<T | undefined>;

/** Failures of one mirror, which say nothing of the others. */
const OWN_FAILURES: readonly string[] = ['UNREACHABLE', 'WRONG_PIN', 'BAD_ANSWER'];

/**
 * The mirrors of a bulletin as one party uses them: one at a time, and the next one when it fails or does not have a
 * file. A reader that finds that a file does not verify calls {@link Mirrors.next}, and reads all of it again.
 */
export class Mirrors implements BulletinSource {
  readonly #sources: readonly BulletinSource[];
  #current = 0;

  /** @param sources at least one */
  constructor(sources: readonly BulletinSource[]) {
    this.#sources = sources;
  }

  /** Number of mirrors. */
  get count(): number {
    return this.#sources.length;
  }

  /** Turns to the next mirror. */
  next(): void {
    this.#current = (this.#current + 1) % this.count;
  }

  readParameters(): Answer {
    return this.fromOne((source) => source.readParameters());
  }

  readDirectory(region: string, epoch: number): Answer {
    return this.fromOne((source) => source.readDirectory(region, epoch));
  }

  readConsumers(region: string, epoch: number): Answer {
    return this.fromOne((source) => source.readConsumers(region, epoch));
  }

  readFile(region: string, startSeconds: number, file: IntervalFile): Answer {
    return this.fromOne((source) => source.readFile(region, startSeconds, file));
  }

  close(): void {
    for (const source of this.#sources) {
      source.close();
    }
  }

  /**
   * Reads something from one mirror alone, the first that has it.
   *
   * @returns undefined when a mirror says that there is none, and no other has it
   * @throws ClientError UNREACHABLE, WRONG_PIN, BAD_ANSWER of the last mirror, when all fail
   */
  async fromOne<T>(read: Read<T>): Promise<T | undefined> {
    let failure: ClientError | undefined;
    let isAbsent = false;
    for (let asked = 0; asked < this.count; asked++) {
      try {
        const found = await read(this.#sources[this.#current]!);
        if (found !== undefined) {
          return found;
        }
        isAbsent = true;
      } catch (error) {
        if (!(error instanceof ClientError) || !OWN_FAILURES.includes(error.code)) {
          throw error;
        }
        failure = error;
      }
      this.next();
    }
    if (failure !== undefined && !isAbsent) {
      throw failure;
    }
    return undefined;
  }
}
