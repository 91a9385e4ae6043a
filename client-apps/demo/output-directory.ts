// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { decodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Makes the directory that a demo's bulletin goes to. One that holds an earlier demo's bulletin is emptied; one that
 * holds anything else, a real bulletin above all, is refused and left alone.
 *
 * @returns its absolute path
 * @throws ClientError WRONG_USE
 */
export async function prepareOutput(directory: string): Promise<string> {
  const path = resolve(directory);
  const names = await readdir(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return [];
    }
    throw new ClientError('WRONG_USE', `--out ${directory}: ${(error as Error).message}`, { cause: error });
  });
  if (names.length > 0) {
    if (!(await holdsDemoBulletin(path, names))) {
      throw new ClientError('WRONG_USE', `--out ${directory} is not empty, and not the bulletin of an earlier demo`);
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
