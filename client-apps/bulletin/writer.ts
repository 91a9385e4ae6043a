// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { consumersFile, directoryFile, PARAMETERS_FILE, SEALS_FILE } from '../../protocol/ledger/bulletin.js';
import { readIfPresent, replaceFile, TEMPORARY_SUFFIX } from '../runtime/atomic-file.js';
import { intervalPath, type IntervalFile } from './layout.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Writes a bulletin directory. Every write is atomic, durable and idempotent. Most files are write-once; the two that
 * collect (`parameters.json`, `seals.json`) only grow, so that a restart which repeats an early step takes nothing back.
 */
export class BulletinWriter {
  private constructor(readonly root: string) {}

  /** Opens or makes the directory and removes what a crash left half-written. */
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

  /** @throws ClientError BULLETIN_CONFLICT when other bytes stand there */
  writeDirectory(region: string, epoch: number, bytes: Uint8Array): Promise<void> {
    return this.#write(directoryFile(region, epoch), bytes, false);
  }

  /** @throws ClientError BULLETIN_CONFLICT when other bytes stand there */
  writeConsumers(region: string, epoch: number, bytes: Uint8Array): Promise<void> {
    return this.#write(consumersFile(region, epoch), bytes, false);
  }

  /** @throws ClientError BULLETIN_CONFLICT when other bytes stand there */
  writeFile(region: string, startSeconds: number, file: IntervalFile, bytes: Uint8Array): Promise<void> {
    return this.#write(intervalPath(region, startSeconds, file), bytes, file === SEALS_FILE);
  }

  async #write(relative: string, bytes: Uint8Array, grows: boolean): Promise<void> {
    const path = join(this.root, relative);
    const standing = await readIfPresent(path);
    if (standing !== undefined) {
      if (equalBytes(standing, bytes) || (grows && standing.length > bytes.length)) {
        return;
      }
      if (!grows || standing.length === bytes.length) {
        throw new ClientError('BULLETIN_CONFLICT', `${relative} already holds other bytes`);
      }
    }
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, bytes, { mode: 0o644, durable: true });
  }
}
