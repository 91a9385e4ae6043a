// SPDX-License-Identifier: Apache-2.0
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PARAMETERS_FILE } from '../../protocol/ledger/bulletin.js';
import { MAXIMUM_BULLETIN_FILE_LENGTH } from './reader.js';
import { ClientError } from '../runtime/errors.js';

/** A number as a bulletin writes it in a name: no sign, no leading zeros. */
const NUMBER = /^(0|[1-9][0-9]{0,11})$/;
const EPOCH_FILE = /^(0|[1-9][0-9]{0,4})\.json$/;

/** What stands under a bulletin's root, by kind; the rest is nobody's. Paths are relative, with `/`. */
export interface BulletinTree {
  readonly root: string;
  readonly hasParameters: boolean;
  readonly regions: readonly RegionTree[];
  /** Files, folders and links that belong to no bulletin. */
  readonly strangers: readonly string[];
}

/** One region's part. */
export interface RegionTree {
  readonly region: string;
  /** Registry epochs that have a relay directory, ascending. */
  readonly epochs: readonly number[];
  /** Registry epochs that have a consumer list, ascending. */
  readonly consumerEpochs: readonly number[];
  /** Intervals ascending by start, each with the names of all that stands in its folder. */
  readonly intervals: readonly { readonly startSeconds: number; readonly files: readonly string[] }[];
}

/**
 * Looks at every entry under a directory, without reading any file.
 *
 * @throws ClientError WRONG_USE when it is no directory
 */
export async function readTree(root: string): Promise<BulletinTree> {
  const strangers: string[] = [];
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
          regions.push(await readRegion(root, region.path, region.name, strangers));
        } else {
          strangers.push(region.path);
        }
      }
    } else {
      strangers.push(path);
    }
  }
  return { root, hasParameters, regions, strangers };
}

/**
 * The bytes of a file under the root.
 *
 * @throws ClientError LIMIT_EXCEEDED for one that is longer than any bulletin file
 */
export async function readBulletinFile(root: string, path: string): Promise<Uint8Array> {
  const full = join(root, path);
  if ((await stat(full)).size > MAXIMUM_BULLETIN_FILE_LENGTH) {
    throw new ClientError('LIMIT_EXCEEDED', 'file is longer than any bulletin file');
  }
  return readFile(full);
}

async function readRegion(root: string, path: string, region: string, strangers: string[]): Promise<RegionTree> {
  const epochs: Record<string, number[]> = { directory: [], consumers: [] };
  const intervals: { startSeconds: number; files: string[] }[] = [];
  for (const entry of await entries(root, path)) {
    const numbers = epochs[entry.name];
    if (entry.kind === 'folder' && numbers !== undefined) {
      for (const file of await entries(root, entry.path)) {
        const epoch = EPOCH_FILE.exec(file.name)?.[1];
        if (file.kind === 'file' && epoch !== undefined) {
          numbers.push(Number(epoch));
        } else {
          strangers.push(file.path);
        }
      }
    } else if (entry.kind === 'folder' && NUMBER.test(entry.name)) {
      const inside = await entries(root, entry.path);
      strangers.push(...inside.filter(({ kind }) => kind !== 'file').map((stranger) => stranger.path));
      const files = inside.filter(({ kind }) => kind === 'file').map(({ name }) => name);
      intervals.push({ startSeconds: Number(entry.name), files });
    } else {
      strangers.push(entry.path);
    }
  }
  for (const numbers of Object.values(epochs)) {
    numbers.sort((a, b) => a - b);
  }
  intervals.sort((a, b) => a.startSeconds - b.startSeconds);
  return { region, epochs: epochs['directory']!, consumerEpochs: epochs['consumers']!, intervals };
}

type Kind = 'file' | 'folder' | 'other';

/** Entries of a folder by name. A symbolic link is neither file nor folder: its target may change unseen. */
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
