// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from 'classic-level';
import type { Database, StateRecord } from './database.js';
import { ReadWriteSetBuilder, type RangeRead } from './read-write-set.js';

/**
 * One transaction's view of a channel's state: a snapshot in which it does not see its own writes, and the record of
 * what it read and wants to write. Error texts are Fabric's, spelling included.
 */
export class Simulator {
  readonly channel: string;
  readonly #database: Database;
  readonly #snapshot: Snapshot;
  readonly #transactionId: string;
  readonly #readWriteSet = new ReadWriteSetBuilder();
  #wrote = false;
  #paginated = false;
  #done = false;

  constructor(database: Database, channel: string, transactionId: string) {
    this.channel = channel;
    this.#database = database;
    this.#snapshot = database.snapshot();
    this.#transactionId = transactionId;
  }

  /** @returns the value, or undefined if the key is not there. */
  getState(namespace: string, key: string): Uint8Array | undefined {
    const entry = this.#database.state(this.channel, namespace, key, this.#snapshot);
    this.#readWriteSet.addRead(namespace, key, entry?.version);
    return entry?.value;
  }

  /** An empty value deletes: the wire format cannot tell the two apart. */
  putState(namespace: string, key: string, value: Uint8Array): void {
    if (this.#paginated) {
      const reason = 'Transaction has already performed a paginated query. Writes are not allowed';
      throw new Error(`txid [${this.#transactionId}]: unsuppored transaction. ${reason}`);
    }
    this.#wrote = true;
    this.#readWriteSet.addWrite(namespace, key, value.length === 0 ? undefined : value);
  }

  deleteState(namespace: string, key: string): void {
    this.putState(namespace, key, new Uint8Array());
  }

  /** @param pageSize number of records after which the page ends; 0 for all. */
  openRange(namespace: string, startKey: string, endKey: string, pageSize: number): RangeCursor {
    if (pageSize > 0 && this.#wrote) {
      const reason = 'Paginated queries are supported only in a read-only transaction';
      throw new Error(`txid [${this.#transactionId}]: unsuppored transaction. ${reason}`);
    }
    this.#paginated ||= pageSize > 0;
    const range: RangeRead = { startKey, endKey: startKey, exhausted: false, reads: [] };
    this.#readWriteSet.addRange(namespace, range);
    const records = this.#database.stateRange(this.channel, namespace, startKey, endKey, this.#snapshot);
    return new RangeCursor(records, range, endKey, pageSize);
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
  readonly #pageSize: number;
  #delivered = 0;
  #bookmark = '';

  constructor(records: AsyncGenerator<StateRecord, void, void>, range: RangeRead, endKey: string, pageSize: number) {
    this.#records = records;
    this.#range = range;
    this.#endKey = endKey;
    this.#pageSize = pageSize;
  }

  get paginated(): boolean {
    return this.#pageSize > 0;
  }

  /** Key at which the next page begins; empty after the last. */
  get bookmark(): string {
    return this.#bookmark;
  }

  /** @returns the next record, or undefined at the end of the range or page. */
  async next(): Promise<StateRecord | undefined> {
    const record = (await this.#records.next()).value ?? undefined;
    const pageFull = this.paginated && this.#delivered === this.#pageSize;
    if (record === undefined || pageFull) {
      this.#bookmark = record?.key ?? '';
      this.#range.exhausted = true;
      this.#range.endKey = this.#endKey;
      return undefined;
    }
    this.#delivered++;
    this.#range.endKey = record.key;
    this.#range.reads.push({ key: record.key, version: record.version });
    return record;
  }

  async close(): Promise<void> {
    await this.#records.return();
  }
}
