// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { decodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Prepares the output directory of a demo's bulletin. A directory that holds an earlier demo's bulletin is emptied; one
 * that holds anything else, such as a real bulletin, is refused and not changed.
 *
 * @returns its absolute path
 * @throws ClientError WRONG_USE
 */
export async function prepareOutput(directory: string): Promise<string> {
  const path = resolve(directory);
  const names = await readdir(path).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return [];
    }
    throw new ClientError('WRONG_USE', `--out ${directory}: ${message}`, { cause: error });
  });
  if (names.length > 0) {
    if (!(await holdsDemoBulletin(path, names))) {
      throw new ClientError('WRONG_USE', `--out ${directory} is not empty and does not hold an earlier demo`);
    }
    for (const name of names) {
      await rm(join(path, name), { recursive: true });
    }
  }
  await mkdir(path, { recursive: true });
  return path;
}

async function holdsDemoBulletin(path: string, names: readonly string[]): Promise<boolean> {
  if (!names.every((name) => name === 'bulletin' || name === 'parameters.json')) {
    return false;
  }
  try {
    const versions = decodeParametersFile(await readFile(join(path, 'parameters.json')));
    return versions.every(({ parameters }) => parameters.demo);
  } catch {
    return false;
  }
}
