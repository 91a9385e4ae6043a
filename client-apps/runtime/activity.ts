// SPDX-License-Identifier: Apache-2.0
import { Counts } from './counts.js';

/**
 * Work under way in a process, by label, and its link frames. Simulated time waits for both, so that a slow machine
 * changes nothing but the duration of a run; real time ignores them.
 */
export class Activity {
  /**
   * Link frames: `sent` is raised when a frame is queued, `received` when its handling has begun tracked work. A
   * difference in the sum over all processes is a frame on its way.
   */
  readonly frames = { sent: 0, received: 0 };
  readonly #labels = new Counts<string>();

  /** Number of pieces of work by label. */
  get labels(): ReadonlyMap<string, number> {
    return this.#labels.all;
  }

  /** Marks work that simulated time waits for; call the returned function once when it is done. */
  begin(label: string): () => void {
    this.#labels.add(label);
    let open = true;
    return () => {
      if (open) {
        open = false;
        this.#labels.remove(label);
      }
    };
  }

  /** Marks work until the promise settles; returns the same result. */
  async track<T>(label: string, promise: Promise<T>): Promise<T> {
    const end = this.begin(label);
    try {
      return await promise;
    } finally {
      end();
    }
  }
}
