// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { consumersFile, directoryFile, PARAMETERS_FILE, SEALS_FILE } from '../../protocol/ledger/bulletin.js';
import { readIfPresent, replaceFile, TEMPORARY_SUFFIX } from '../runtime/atomic-file.js';
import { intervalPath, type IntervalFile } from './layout.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Writes a bulletin directory. Every write is atomic, durable and idempotent. Files are write-once, except
 * `parameters.json` and `seals.json`, which only grow, so that a restart that repeats an early step removes nothing.
 */
export class BulletinWriter {
  readonly #pending = new Set<Promise<void>>();
  #closed = false;

  private constructor(readonly root: string) {}

  /** Opens or creates the directory and removes temporary files of a crash. */
  static async open(root: string): Promise<BulletinWriter> {
    await mkdir(root, { recursive: true });
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.startsWith('.') && entry.name.endsWith(TEMPORARY_SUFFIX)) {
        await rm(join(entry.parentPath, entry.name));
      }
    }
    return new BulletinWriter(root);
  }

  /** Writes the list of parameter versions. @throws ClientError BULLETIN_CONFLICT */
  writeParameters(bytes: Uint8Array): Promise<void> {
    return this.#write(PARAMETERS_FILE, bytes, true);
  }

  /** @throws ClientError BULLETIN_CONFLICT when the file exists with other bytes */
  writeDirectory(region: string, epoch: number, bytes: Uint8Array): Promise<void> {
    return this.#write(directoryFile(region, epoch), bytes, false);
  }

  /** @throws ClientError BULLETIN_CONFLICT when the file exists with other bytes */
  writeConsumers(region: string, epoch: number, bytes: Uint8Array): Promise<void> {
    return this.#write(consumersFile(region, epoch), bytes, false);
  }

  /** @throws ClientError BULLETIN_CONFLICT when the file exists with other bytes */
  writeFile(region: string, startSeconds: number, file: IntervalFile, bytes: Uint8Array): Promise<void> {
    return this.#write(intervalPath(region, startSeconds, file), bytes, file === SEALS_FILE);
  }

  /** Refuses further writes and waits for those under way, so that another writer can open the directory. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#pending);
  }

  async #write(relative: string, bytes: Uint8Array, grows: boolean): Promise<void> {
    if (this.#closed) {
      throw new ClientError('INTERRUPTED', `${relative} is not written: the writer is closed`);
    }
    const write = this.#replace(relative, bytes, grows);
    this.#pending.add(write);
    try {
      await write;
    } finally {
      this.#pending.delete(write);
    }
  }

  async #replace(relative: string, bytes: Uint8Array, grows: boolean): Promise<void> {
    const path = join(this.root, relative);
    const existing = await readIfPresent(path);
    if (existing !== undefined) {
      if (equalBytes(existing, bytes) || (grows && existing.length > bytes.length)) {
        return;
      }
      if (!grows || existing.length === bytes.length) {
        throw new ClientError('BULLETIN_CONFLICT', `${relative} exists with other bytes`);
      }
    }
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, bytes, { mode: 0o644, durable: true });
  }
}
