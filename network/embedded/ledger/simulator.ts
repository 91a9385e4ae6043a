// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from 'classic-level';
import type { Database, StateRecord } from './database.js';
import { ReadWriteSetBuilder, type RangeRead } from './read-write-set.js';

/**
 * One transaction's view of a channel's state: a snapshot in which it does not see its own writes, and the record of
 * what it read and wants to write.
 */
export class Simulator {
  readonly channel: string;
  readonly #database: Database;
  readonly #snapshot: Snapshot;
  readonly #readWriteSet = new ReadWriteSetBuilder();
  #done = false;

  constructor(database: Database, channel: string) {
    this.channel = channel;
    this.#database = database;
    this.#snapshot = database.snapshot();
  }

  /** @returns the value, or undefined if the key is not there. */
  getState(namespace: string, key: string): Uint8Array | undefined {
    const entry = this.#database.state(this.channel, namespace, key, this.#snapshot);
    this.#readWriteSet.addRead(namespace, key, entry?.version);
    return entry?.value;
  }

  /** An empty value deletes: the wire format cannot tell the two apart. */
  putState(namespace: string, key: string, value: Uint8Array): void {
    this.#readWriteSet.addWrite(namespace, key, value.length === 0 ? undefined : value);
  }

  deleteState(namespace: string, key: string): void {
    this.putState(namespace, key, new Uint8Array());
  }

  openRange(namespace: string, startKey: string, endKey: string): RangeCursor {
    const range: RangeRead = { startKey, endKey: startKey, exhausted: false, reads: [] };
    this.#readWriteSet.addRange(namespace, range);
    const bounds = { start: startKey, end: endKey };
    const records = this.#database.stateRange(this.channel, namespace, bounds, this.#snapshot);
    return new RangeCursor(records, range, endKey);
  }

  /** rwset.TxReadWriteSet of all that happened. */
  results(): Uint8Array {
    return this.#readWriteSet.encode();
  }

  /** Chaincodes whose state was read or is to be written. */
  namespaces(): string[] {
    return this.#readWriteSet.namespaces();
  }

  /** Gives the snapshot back. Every cursor must be closed before. */
  async close(): Promise<void> {
    if (!this.#done) {
      this.#done = true;
      await this.#snapshot.close();
    }
  }
}

/** An open range query. What it hands out is recorded as read. */
export class RangeCursor {
  readonly #records: AsyncGenerator<StateRecord, void, void>;
  readonly #range: RangeRead;
  readonly #endKey: string;

  constructor(records: AsyncGenerator<StateRecord, void, void>, range: RangeRead, endKey: string) {
    this.#records = records;
    this.#range = range;
    this.#endKey = endKey;
  }

  /** @returns the next record, or undefined at the end of the range. */
  async next(): Promise<StateRecord | undefined> {
    const record = (await this.#records.next()).value ?? undefined;
    if (record === undefined) {
      this.#range.exhausted = true;
      this.#range.endKey = this.#endKey;
      return undefined;
    }
    this.#range.endKey = record.key;
    this.#range.reads.push({ key: record.key, version: record.version });
    return record;
  }

  async close(): Promise<void> {
    await this.#records.return();
  }
}
