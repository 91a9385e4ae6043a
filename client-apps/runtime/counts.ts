// SPDX-License-Identifier: Apache-2.0

/** How many there are of each key. A key whose last one was removed takes no memory. */
export class Counts<Key> {
  readonly #counts = new Map<Key, number>();

  /** By key. */
  get all(): ReadonlyMap<Key, number> {
    return this.#counts;
  }

  of(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: Key, more = 1): void {
    this.#counts.set(key, this.of(key) + more);
  }

  remove(key: Key): void {
    const left = this.of(key) - 1;
    if (left > 0) {
      this.#counts.set(key, left);
    } else {
      this.#counts.delete(key);
    }
  }
}
