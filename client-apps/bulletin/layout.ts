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
import type { LedgerKind } from '../../protocol/ledger/row.js';

/** A file of an interval. Write-once, but for `seals.json`, which grows by one seal at a time. */
export type IntervalFile = (typeof ROWS_FILE)[LedgerKind] | typeof INDEX_FILE | typeof SEALS_FILE;

/** Path of one file of the interval that starts at `startSeconds` (Unix seconds), relative to the bulletin's root. */
export function intervalPath(region: string, startSeconds: number, file: IntervalFile): string {
  return `${intervalFolder({ region, startSeconds })}/${file}`;
}

const REGION = /^bulletin\/([a-z0-9-]{1,8})\//;
const NUMBER = /\/(0|[1-9][0-9]{0,11})(?:\/|\.json$)/;
const FILES: readonly IntervalFile[] = [...Object.values(ROWS_FILE), INDEX_FILE, SEALS_FILE];

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
