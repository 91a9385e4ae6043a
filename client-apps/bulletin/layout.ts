// SPDX-License-Identifier: Apache-2.0
import {
  consumersFile,
  directoryFile,
  INDEX_FILE,
  intervalFolder,
  PARAMETERS_FILE,
  ROWS_FILE,
  SEALS_FILE,
} from '../../protocol/ledger/bulletin.js';
import { INDEX_ENTRY_LENGTH } from '../../protocol/ledger/index-file.js';
import {
  MAXIMUM_CONSUMER_LIST_BYTES,
  MAXIMUM_PARAMETERS_FILE_BYTES,
  MAXIMUM_ROWS,
  MAXIMUM_SEALS_FILE_BYTES,
} from '../../protocol/ledger/limits.js';
import { ROW_LENGTH, type LedgerKind } from '../../protocol/ledger/row.js';
import { MAXIMUM_DIRECTORY_BYTES } from '../../protocol/onion/directory-format.js';

/** A file of an interval. Write-once, but for `seals.json`, which grows by one seal at a time. */
export type IntervalFile = (typeof ROWS_FILE)[LedgerKind] | typeof INDEX_FILE | typeof SEALS_FILE;

/** Path of one file of the interval that starts at `startSeconds` (Unix seconds), relative to the bulletin's root. */
export function intervalPath(region: string, startSeconds: number, file: IntervalFile): string {
  return `${intervalFolder({ region, startSeconds })}/${file}`;
}

/** Kind of an entry of a folder. */
export type Kind = 'file' | 'folder' | 'symbolic link' | 'FIFO' | 'socket' | 'device' | 'entry of an unknown kind';

/** A region's name in a path. */
export const REGION_NAME = /^[a-z0-9-]{1,8}$/;

const REGION = /^bulletin\/([a-z0-9-]{1,8})\//;
const NUMBER = /\/(0|[1-9][0-9]{0,11})(?:\/|\.json$)/;
const FILES: readonly IntervalFile[] = [...Object.values(ROWS_FILE), INDEX_FILE, SEALS_FILE];
const FILE_NAMES: ReadonlySet<string> = new Set(FILES);

/** Maximum lengths in bytes, by the name of the file, or of the folder that holds an epoch's documents. */
const MAXIMUM_LENGTHS: ReadonlyMap<string, number> = new Map([
  [PARAMETERS_FILE, MAXIMUM_PARAMETERS_FILE_BYTES],
  ['directory', MAXIMUM_DIRECTORY_BYTES],
  ['consumers', MAXIMUM_CONSUMER_LIST_BYTES],
  [SEALS_FILE, MAXIMUM_SEALS_FILE_BYTES],
  [INDEX_FILE, MAXIMUM_ROWS * INDEX_ENTRY_LENGTH],
  ...Object.values(ROWS_FILE).map((name) => [name, MAXIMUM_ROWS * ROW_LENGTH] as const),
]);

/** Tells whether a file belongs into an interval's folder. */
export function isIntervalFile(name: string): boolean {
  return FILE_NAMES.has(name);
}

/** Maximum length of a bulletin file in bytes. @param path of the file, relative to the bulletin's root */
export function maximumFileLength(path: string): number {
  const [folder = '', name = ''] = path.split('/').slice(-2);
  return MAXIMUM_LENGTHS.get(name || folder) ?? MAXIMUM_LENGTHS.get(folder) ?? 0;
}

const LEFTOVER_FOLDERS = new Set([
  '__MACOSX',
  '.fseventsd',
  '.Spotlight-V100',
  '.TemporaryItems',
  '.Trashes',
  '$RECYCLE.BIN',
  'System Volume Information',
  'lost+found',
]);
const LEFTOVER_FILES = new Set(['.DS_Store', '.directory', '.localized', 'desktop.ini', 'ehthumbs.db', 'thumbs.db']);
const LEFTOVER_NAMES = /^(?:\._.+|(?:readme|license|checksums?|(?:md5|sha[0-9]+)sums?)(?:\.(?:md|txt|asc|sig))?)$/i;

/**
 * Tells whether an entry is what file managers leave in a folder, or what publishers add: README, LICENSE and lists of
 * checksums with their signatures. No seal binds them; they are named and never read.
 */
export function isLeftover(name: string, kind: Kind): boolean {
  if (kind === 'folder') {
    return LEFTOVER_FOLDERS.has(name);
  }
  const isKnown = LEFTOVER_FILES.has(name) || LEFTOVER_FILES.has(name.toLowerCase()) || LEFTOVER_NAMES.test(name);
  return kind === 'file' && isKnown;
}

/**
 * A name from an untrusted source, for a terminal: control, formatting (also of the direction of writing) and
 * unassigned characters and all spaces but the common one are spelt out, the backslash too, so no two names look alike.
 */
export function printable(name: string): string {
  return name.replace(/[\p{C}\p{Z}\\]/gu, (character) =>
    character === ' ' ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/**
 * Tells whether a path, relative to the root, is that of a bulletin file; nothing else is served. The path is not
 * normalised but compared with the one that its region and number give, so no other spelling is accepted.
 */
export function isBulletinPath(path: string): boolean {
  if (path === PARAMETERS_FILE) {
    return true;
  }
  const region = REGION.exec(path)?.[1];
  const number = NUMBER.exec(path)?.[1];
  if (region === undefined || number === undefined) {
    return false;
  }
  return (
    path === directoryFile(region, Number(number)) ||
    path === consumersFile(region, Number(number)) ||
    FILES.some((file) => path === intervalPath(region, Number(number), file))
  );
}
