// SPDX-License-Identifier: Apache-2.0
import type { Dirent } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { decodeParametersFile, PARAMETERS_FILE } from '../../protocol/ledger/bulletin.js';
import { isLeftover } from '../bulletin/layout.js';
import { DirectoryBulletin } from '../bulletin/reader.js';
import { kindOf } from '../bulletin/tree.js';
import { ClientError } from '../runtime/errors.js';

/** Entries of the root of a bulletin. */
const TOP = new Set(['bulletin', PARAMETERS_FILE]);

/**
 * Prepares the output directory of a demo's bulletin. A directory that holds an earlier demo's bulletin is emptied; one
 * that holds anything else, such as a real bulletin, is refused and not changed.
 *
 * @returns its absolute path
 * @throws ClientError WRONG_USE
 */
export async function prepareOutput(directory: string): Promise<string> {
  const path = resolve(directory);
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return [];
    }
    throw new ClientError('WRONG_USE', `--out ${directory}: ${message}`, { cause: error });
  });
  if (entries.length > 0) {
    if (!(await holdsDemoBulletin(path, entries))) {
      throw new ClientError('WRONG_USE', `--out ${directory} is not empty and does not hold an earlier demo`);
    }
    for (const { name } of entries) {
      await rm(join(path, name), { recursive: true });
    }
  }
  await mkdir(path, { recursive: true });
  return path;
}

async function holdsDemoBulletin(path: string, entries: readonly Dirent[]): Promise<boolean> {
  if (!entries.every((entry) => TOP.has(entry.name) || isLeftover(entry.name, kindOf(entry)))) {
    return false;
  }
  try {
    const bytes = await new DirectoryBulletin(path).readParameters();
    return bytes !== undefined && decodeParametersFile(bytes).every(({ parameters }) => parameters.demo);
  } catch {
    return false;
  }
}
