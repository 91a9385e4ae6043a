// SPDX-License-Identifier: Apache-2.0

/** Runs tasks one after the other; a failed one does not keep the next from its turn. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
