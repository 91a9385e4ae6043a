// SPDX-License-Identifier: Apache-2.0
import { open, readdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Marks a file that is being written. A fixed name per target, so that a crash leaves at most one to sweep. */
export const TEMPORARY_SUFFIX = '.tmp';

/** Path of the temporary file for `path`, until its bytes are complete. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}${TEMPORARY_SUFFIX}`);
}

/**
 * Replaces a file so that a reader, or a restart after a crash, finds the old bytes or the new ones, never a part.
 * With `durable` the bytes and the name have reached the disk when it returns. One writer per file at a time.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  options: { mode: number; durable: boolean },
): Promise<void> {
  const temporary = temporaryPath(path);
  const file = await open(temporary, 'w', options.mode);
  try {
    // A leftover of a crash keeps its old mode through open(), so the mode is set again.
    await file.chmod(options.mode);
    await file.writeFile(bytes);
    if (options.durable) {
      await file.sync();
    }
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  if (options.durable) {
    await syncDirectory(dirname(path));
  }
}

/** Makes renames in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A file's bytes, or undefined when there is none. */
export function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  return ifPresent<Uint8Array | undefined>(readFile(path), undefined);
}

/** The names in a directory, none when it does not exist. */
export function listIfPresent(path: string): Promise<string[]> {
  return ifPresent(readdir(path), []);
}

async function ifPresent<T>(found: Promise<T>, absent: T): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return absent;
    }
    throw error;
  }
}
