// SPDX-License-Identifier: Apache-2.0
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';

/**
 * Makes many small changes durable with few disk flushes: changes that come while one flush runs go out together in
 * the next one, in order.
 */
export class GroupCommit {
  #waiting: StoreChange[] = [];
  #next: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  readonly #store: SealedStore;

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** Resolves when the changes, and all before them, are on the disk. */
  add(changes: readonly StoreChange[]): Promise<void> {
    this.#waiting.push(...changes);
    this.#next ??= this.#running = this.#running.then(() => this.#flush());
    return this.#next;
  }

  /** Resolves when all that was added so far is on the disk. */
  drain(): Promise<void> {
    return this.#next ?? this.#running;
  }

  #flush(): Promise<void> {
    const changes = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    return this.#store.batch(changes);
  }
}
