// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import type { FileKey } from './sealed-file.js';

/** One change of a batch; a missing value deletes the key. */
export interface StoreChange {
  readonly key: string;
  readonly value?: Uint8Array;
}

/**
 * A LevelDB directory whose values are sealed, each under its key's name. Keys are not encrypted, so they must not
 * contain anything secret: a running number, an interval, never a pseudonym or a count per meter.
 */
export class SealedStore {
  readonly #level: ClassicLevel<string, Uint8Array>;
  readonly #key: FileKey;
  readonly #onFailure: (error: unknown) => void;

  private constructor(level: ClassicLevel<string, Uint8Array>, key: FileKey, onFailure: (error: unknown) => void) {
    this.#level = level;
    this.#key = key;
    this.#onFailure = onFailure;
  }

  /** @param onFailure called when a change cannot be written: its users cannot continue */
  static async open(
    directory: string,
    key: FileKey,
    onFailure: (error: unknown) => void = () => undefined,
  ): Promise<SealedStore> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const level = new ClassicLevel<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' });
    await level.open();
    return new SealedStore(level, key, onFailure);
  }

  /** @throws ClientError SEALED_INVALID, WRONG_PARTY */
  async get(key: string): Promise<Uint8Array | undefined> {
    const sealed = await this.#level.get(key);
    return sealed === undefined ? undefined : this.#key.open(purposeOf(key), sealed);
  }

  /** One durable change. */
  put(key: string, value: Uint8Array): Promise<void> {
    return this.batch([{ key, value }]);
  }

  /** All of the changes or none, on the disk when it returns (`sync: false`: they may be lost in a crash, in order). */
  async batch(changes: readonly StoreChange[], options: { sync: boolean } = { sync: true }): Promise<void> {
    const operations = changes.map(({ key, value }) =>
      value === undefined
        ? { type: 'del' as const, key }
        : { type: 'put' as const, key, value: this.#key.seal(purposeOf(key), value) },
    );
    try {
      await this.#level.batch(operations, options);
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }

  /** Entries whose key starts with `prefix`, in the order of their keys. */
  async *iterate(prefix: string): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    for await (const [key, sealed] of this.#level.iterator({ gte: prefix, lt: `${prefix}\u{10ffff}` })) {
      yield [key, this.#key.open(purposeOf(key), sealed)];
    }
  }

  /** Rewrites the files, so that deleted and replaced values are no longer in them: for keys that must be forgotten. */
  compact(): Promise<void> {
    return this.#level.compactRange('', '\u{10ffff}');
  }

  close(): Promise<void> {
    return this.#level.close();
  }
}

/** No value of a store can be moved to a file of the same name. */
function purposeOf(key: string): string {
  return `store/${key}`;
}
