// SPDX-License-Identifier: Apache-2.0
import { peer } from '@hyperledger/fabric-protos';
import { getOrMake } from '../../../protocol/get-or-make.js';
import type { Database, StateEntry } from './database.js';
import { compareKeys, type NamespaceReadWriteSet, type RangeRead } from './read-write-set.js';
import type { ValidationCode } from './transaction.js';
import { sameVersion, type Version } from './version.js';

const { MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID } = peer.TxValidationCode;

/** A write of a valid transaction of the block; no entry is a deletion. */
export interface StateUpdate {
  readonly namespace: string;
  readonly key: string;
  readonly version: Version;
  readonly entry: StateEntry | undefined;
}

/**
 * Multi-version concurrency control over one block: transactions in order, each against the committed state and the
 * writes of the valid ones before it.
 */
export class BlockUpdates {
  readonly #database: Database;
  readonly #channel: string;
  readonly #updates = new Map<string, Map<string, StateUpdate>>();

  constructor(database: Database, channel: string) {
    this.#database = database;
    this.#channel = channel;
  }

  /** Validates a transaction's reads; takes its writes over if they hold. */
  async apply(sets: readonly NamespaceReadWriteSet[], version: Version): Promise<ValidationCode> {
    for (const { namespace, reads, ranges } of sets) {
      if (!reads.every(({ key, version: seen }) => this.#holds(namespace, key, seen))) {
        return MVCC_READ_CONFLICT;
      }
      for (const range of ranges) {
        if (!(await this.#rangeHolds(namespace, range))) {
          return PHANTOM_READ_CONFLICT;
        }
      }
    }
    for (const { namespace, writes } of sets) {
      for (const { key, value } of writes) {
        const updates = getOrMake(this.#updates, namespace, () => new Map<string, StateUpdate>());
        updates.set(key, { namespace, key, version, entry: value && { value, version } });
      }
    }
    return VALID;
  }

  /** All writes, by namespace and key in the order of their bytes. */
  sorted(): StateUpdate[] {
    return [...this.#updates.values()]
      .flatMap((namespace) => [...namespace.values()])
      .sort((a, b) => compareKeys(a.namespace, b.namespace) || compareKeys(a.key, b.key));
  }

  /** A key written earlier in this block has changed since any simulation. */
  #holds(namespace: string, key: string, seen: Version | undefined): boolean {
    return (
      this.#updates.get(namespace)?.has(key) !== true &&
      sameVersion(this.#database.state(this.#channel, namespace, key)?.version, seen)
    );
  }

  /** Runs the range query again and compares keys and versions. */
  async #rangeHolds(namespace: string, range: RangeRead): Promise<boolean> {
    const within = (key: string): boolean =>
      compareKeys(key, range.startKey) >= 0 &&
      (range.endKey === '' || compareKeys(key, range.endKey) < (range.exhausted ? 0 : 1));
    // A write into the range makes a different result, unless it deletes what was not there.
    const updates = [...(this.#updates.get(namespace)?.values() ?? [])];
    const wasRead = (key: string): boolean => range.reads.some((read) => read.key === key);
    if (updates.some(({ key, entry }) => within(key) && (entry !== undefined || wasRead(key)))) {
      return false;
    }
    // Up to and with the last key read, if reading stopped there: its successor in byte order is the key and a zero.
    const bounds = { start: range.startKey, end: range.exhausted ? range.endKey : `${range.endKey}\0` };
    let index = 0;
    for await (const { key, version } of this.#database.stateRange(this.#channel, namespace, bounds)) {
      const read = range.reads[index++];
      if (read === undefined || read.key !== key || !sameVersion(read.version, version)) {
        return false;
      }
    }
    return index === range.reads.length;
  }
}
