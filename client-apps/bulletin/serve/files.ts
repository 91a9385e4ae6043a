// SPDX-License-Identifier: Apache-2.0
import { open, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';

/** Files open at once; each only while a part of it is read, never while a client receives it. */
export const MAXIMUM_OPEN_FILES = 16;

/** A version of a file: another one has another tag. */
export interface FileVersion {
  readonly length: number;
  /** Entity tag (RFC 9110), with its quotes. */
  readonly tag: string;
}

/** The files of a bulletin, read in parts. */
export class ServedFiles {
  readonly #root: string;
  #open = 0;
  readonly #queue: (() => void)[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  /** The present version of a file, or undefined when there is none. */
  async version(path: string): Promise<FileVersion | undefined> {
    try {
      const stats = await stat(join(this.#root, path), { bigint: true });
      return stats.isFile() ? versionOf(stats) : undefined;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Reads a part of a version of a file; undefined when the file has been replaced by another version. */
  async read(path: string, version: FileVersion, offset: number, length: number): Promise<Uint8Array | undefined> {
    if (this.#open < MAXIMUM_OPEN_FILES) {
      this.#open++;
    } else {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    try {
      return await this.#readOpen(join(this.#root, path), version, offset, length);
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) {
        this.#open--;
      } else {
        next();
      }
    }
  }

  async #readOpen(path: string, version: FileVersion, offset: number, length: number): Promise<Uint8Array | undefined> {
    const file = await open(path);
    try {
      if (versionOf(await file.stat({ bigint: true })).tag !== version.tag) {
        return undefined;
      }
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      return bytesRead === length ? buffer : undefined;
    } finally {
      await file.close();
    }
  }
}

/** Files are replaced, never changed, so length and time of change identify a version. */
function versionOf({ size, mtimeNs }: BigIntStats): FileVersion {
  return { length: Number(size), tag: `"${size.toString(36)}-${mtimeNs.toString(36)}"` };
}
