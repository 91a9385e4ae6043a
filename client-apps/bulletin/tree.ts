// SPDX-License-Identifier: Apache-2.0
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PARAMETERS_FILE } from '../../protocol/ledger/bulletin.js';
import { MAXIMUM_BULLETIN_FILE_LENGTH } from './reader.js';
import { ClientError } from '../runtime/errors.js';

/** A number in a file name: no sign, no leading zeros. */
const NUMBER = /^(0|[1-9][0-9]{0,11})$/;
const EPOCH_FILE = /^(0|[1-9][0-9]{0,4})\.json$/;

/** Entries under a bulletin's root, by kind. Paths are relative, with `/`. */
export interface BulletinTree {
  readonly root: string;
  readonly hasParameters: boolean;
  readonly regions: readonly RegionTree[];
  /** Files, folders and links that are not part of a bulletin. */
  readonly unknown: readonly string[];
}

/** Entries of one region. */
export interface RegionTree {
  readonly region: string;
  /** Registry epochs that have a relay directory, ascending. */
  readonly epochs: readonly number[];
  /** Registry epochs that have a consumer list, ascending. */
  readonly consumerEpochs: readonly number[];
  /** Intervals ascending by start, each with the names of the files in its folder. */
  readonly intervals: readonly { readonly startSeconds: number; readonly files: readonly string[] }[];
}

/**
 * Lists every entry under a directory, without reading any file.
 *
 * @throws ClientError WRONG_USE when it is not a directory
 */
export async function readTree(root: string): Promise<BulletinTree> {
  const unknown: string[] = [];
  const regions: RegionTree[] = [];
  let hasParameters = false;
  const top = await entries(root, '').catch((cause: unknown) => {
    throw new ClientError('WRONG_USE', `${root}: ${(cause as Error).message}`, { cause });
  });
  for (const { path, name, kind } of top) {
    if (path === PARAMETERS_FILE && kind === 'file') {
      hasParameters = true;
    } else if (name === 'bulletin' && kind === 'folder') {
      for (const region of await entries(root, path)) {
        if (region.kind === 'folder') {
          regions.push(await readRegion(root, region.path, region.name, unknown));
        } else {
          unknown.push(region.path);
        }
      }
    } else {
      unknown.push(path);
    }
  }
  return { root, hasParameters, regions, unknown };
}

/**
 * Reads a file under the root.
 *
 * @throws ClientError LIMIT_EXCEEDED
 */
export async function readBulletinFile(root: string, path: string): Promise<Uint8Array> {
  const full = join(root, path);
  const { size } = await stat(full);
  if (size > MAXIMUM_BULLETIN_FILE_LENGTH) {
    throw new ClientError('LIMIT_EXCEEDED', `expected at most ${MAXIMUM_BULLETIN_FILE_LENGTH} bytes, got ${size}`);
  }
  return readFile(full);
}

async function readRegion(root: string, path: string, region: string, unknown: string[]): Promise<RegionTree> {
  const directories: number[] = [];
  const consumers: number[] = [];
  // A map, because the names of entries are untrusted.
  const epochs = new Map([
    ['directory', directories],
    ['consumers', consumers],
  ]);
  const intervals: { startSeconds: number; files: string[] }[] = [];
  for (const entry of await entries(root, path)) {
    const numbers = epochs.get(entry.name);
    if (entry.kind === 'folder' && numbers !== undefined) {
      for (const file of await entries(root, entry.path)) {
        const epoch = EPOCH_FILE.exec(file.name)?.[1];
        if (file.kind === 'file' && epoch !== undefined) {
          numbers.push(Number(epoch));
        } else {
          unknown.push(file.path);
        }
      }
    } else if (entry.kind === 'folder' && NUMBER.test(entry.name)) {
      const inside = await entries(root, entry.path);
      unknown.push(...inside.filter(({ kind }) => kind !== 'file').map((entry) => entry.path));
      const files = inside.filter(({ kind }) => kind === 'file').map(({ name }) => name);
      intervals.push({ startSeconds: Number(entry.name), files });
    } else {
      unknown.push(entry.path);
    }
  }
  for (const numbers of epochs.values()) {
    numbers.sort((a, b) => a - b);
  }
  intervals.sort((a, b) => a.startSeconds - b.startSeconds);
  return { region, epochs: directories, consumerEpochs: consumers, intervals };
}

type Kind = 'file' | 'folder' | 'other';

/** Lists a folder by name. A symbolic link counts as neither file nor folder, because its target may change. */
async function entries(root: string, path: string): Promise<{ path: string; name: string; kind: Kind }[]> {
  const found = await readdir(join(root, path), { withFileTypes: true });
  return found
    .map((entry) => ({
      path: path === '' ? entry.name : `${path}/${entry.name}`,
      name: entry.name,
      kind: kindOf(entry),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function kindOf(entry: Dirent): Kind {
  if (entry.isFile()) {
    return 'file';
  }
  return entry.isDirectory() ? 'folder' : 'other';
}
