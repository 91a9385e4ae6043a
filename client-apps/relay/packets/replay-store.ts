// SPDX-License-Identifier: Apache-2.0
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readUint32 } from '../../../protocol/crypto/bytes.js';
import { SIP_HASH_KEY_LENGTH, sipHash } from '../../../protocol/crypto/sodium.js';

/** Bytes of a tag on disk and in memory. One packet in 2^64 / n would be mistaken for a replay of n others. */
const TAG_LENGTH = 8;
/** Slots per tag: at 3 of 4 full, a search looks at 2.5 slots, a search for something new at 8.5. */
const SLOTS_PER_TAG = 4 / 3;
const READ_LENGTH = 1 << 20;

/** Tag of a packet; keyed, so that an attacker can neither choose its place in the table nor compute it. */
export interface ReplayTag {
  readonly high: number;
  readonly low: number;
}

/**
 * The packets of one epoch that were seen, in memory and on disk. A `Set` would stall the event loop for a third of a
 * second when it grows; this is one typed array with open addressing that never does.
 */
export class ReplayStore {
  readonly #table: Uint32Array;
  readonly #mask: number;
  #count = 0;
  /** Tags that are not on disk yet. */
  #pending: Buffer = Buffer.alloc(0);
  #pendingLength = 0;
  #lastWrite: Promise<void> = Promise.resolve();
  /** The last tag's bytes. */
  readonly #digest = new Uint8Array(TAG_LENGTH);

  readonly #key: Uint8Array;
  readonly #capacity: number;
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(key: Uint8Array, capacity: number, path: string, file: FileHandle) {
    this.#key = key;
    this.#capacity = capacity;
    this.#path = path;
    this.#file = file;

    const slots = 2 ** Math.ceil(Math.log2(capacity * SLOTS_PER_TAG));
    this.#table = new Uint32Array(2 * slots);
    this.#mask = slots - 1;
  }

  /**
   * Opens the store of an epoch and reads the tags that are on disk. What a crash left of a half-written tag is cut off:
   * a packet whose tag was not on disk was not forwarded.
   *
   * @param key of the epoch's tags, 16 bytes or more, of which 16 are used
   * @param capacity tags it takes
   */
  static async open(path: string, key: Uint8Array, capacity: number): Promise<ReplayStore> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'a+', 0o600);
    const { size } = await file.stat();
    const whole = size - (size % TAG_LENGTH);
    // Should the capacity have been lowered, what is on disk is still remembered.
    const store = new ReplayStore(
      key.subarray(0, SIP_HASH_KEY_LENGTH),
      Math.max(capacity, whole / TAG_LENGTH),
      path,
      file,
    );
    if (whole !== size) {
      await file.truncate(whole);
    }
    const chunk = Buffer.allocUnsafe(READ_LENGTH);
    for (let position = 0; position < whole;) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(READ_LENGTH, whole - position), position);
      for (let offset = 0; offset + TAG_LENGTH <= bytesRead; offset += TAG_LENGTH) {
        store.#insert({ high: chunk.readUInt32BE(offset), low: chunk.readUInt32BE(offset + 4) });
      }
      position += bytesRead - (bytesRead % TAG_LENGTH);
    }
    return store;
  }

  /** Tags it holds. */
  get size(): number {
    return this.#count;
  }

  /** Tags it takes. */
  get capacity(): number {
    return this.#capacity;
  }

  get isFull(): boolean {
    return this.#count >= this.#capacity;
  }

  /** The tag of a packet. @param encapsulatedKey of its outer layer, 32 bytes */
  tag(encapsulatedKey: Uint8Array): ReplayTag {
    const digest = this.#digest;
    sipHash(digest, encapsulatedKey, this.#key);
    // A free slot is two zeros.
    return { high: readUint32(digest, 0), low: readUint32(digest, 4) || 1 };
  }

  has(tag: ReplayTag): boolean {
    return this.#table[this.#slotOf(tag) + 1] !== 0;
  }

  /** Remembers a tag; it is on disk after the next {@link flush}. Call it once a packet is known to be genuine. */
  add(tag: ReplayTag): void {
    this.#insert(tag);
    if (this.#pendingLength + TAG_LENGTH > this.#pending.length) {
      const larger = Buffer.allocUnsafe(Math.max(1024, 2 * this.#pending.length));
      this.#pending.copy(larger, 0, 0, this.#pendingLength);
      this.#pending = larger;
    }
    this.#pending.writeUInt32BE(tag.high, this.#pendingLength);
    this.#pending.writeUInt32BE(tag.low, this.#pendingLength + 4);
    this.#pendingLength += TAG_LENGTH;
  }

  /** Puts all tags added so far on disk. */
  flush(): Promise<void> {
    this.#lastWrite = this.#lastWrite.then(() => this.#write());
    return this.#lastWrite;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#file.close();
  }

  /** Ends the store with its epoch: without the onion key no packet of the epoch opens any more. */
  async destroy(): Promise<void> {
    await this.#lastWrite;
    await this.#file.close();
    await rm(this.#path, { force: true });
    this.#key.fill(0);
  }

  async #write(): Promise<void> {
    if (this.#pendingLength === 0) {
      return;
    }
    const bytes = this.#pending.subarray(0, this.#pendingLength);
    this.#pending = Buffer.alloc(0);
    this.#pendingLength = 0;
    await this.#file.appendFile(bytes);
    await this.#file.datasync();
  }

  #insert(tag: ReplayTag): void {
    const slot = this.#slotOf(tag);
    if (this.#table[slot + 1] !== 0) {
      return;
    }
    this.#table[slot] = tag.high;
    this.#table[slot + 1] = tag.low;
    this.#count++;
  }

  /** Index of the tag, or of the free slot where it belongs. There always is one: capacity is below the slots. */
  #slotOf({ high, low }: ReplayTag): number {
    for (let slot = high & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = 2 * slot;
      const found = this.#table[index + 1];
      if (found === 0 || (found === low && this.#table[index] === high)) {
        return index;
      }
    }
  }
}
