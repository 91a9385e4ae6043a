// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../../protocol/crypto/crypto.js';
import { decodeSealsFile, INDEX_FILE, ROWS_FILE, SEALS_FILE } from '../../../protocol/ledger/bulletin.js';
import { MAXIMUM_ROWS_PER_METER } from '../../../protocol/ledger/limits.js';
import { countRows, rowAt } from '../../../protocol/ledger/page.js';
import { rowPseudonym, rowValue, verifyRowSignature } from '../../../protocol/ledger/row.js';
import { compareBytes } from '../../../protocol/crypto/bytes.js';
import type { Handle } from '../../../protocol/onion/hub-payload.js';
import {
  auditInterval,
  type Fault,
  type IntervalFiles,
  type IntervalSeals,
  type IntervalTrust,
  type VerifiedInterval,
} from '../../../protocol/rules/verify-interval.js';
import type { BulletinSource } from '../../bulletin/reader.js';
import type { OwnRow } from './own-rows.js';

/** What a hub found in an interval. */
export type IntervalCheck =
  | {
      readonly interval: VerifiedInterval;
      readonly seals: IntervalSeals;
      readonly own: readonly OwnRow[];
      /** Whether a price row stands under the household's tag; true without a tag. */
      readonly hasPrice: boolean;
    }
  | { readonly faults: readonly Fault[]; readonly seals: IntervalSeals | undefined };

/**
 * Fetches an interval whole: nobody who serves the bulletin learns which rows are the household's.
 *
 * @returns undefined until its bills are sealed
 * @throws ClientError UNREACHABLE, BAD_ANSWER
 */
export async function fetchInterval(
  source: BulletinSource,
  region: string,
  startSeconds: number,
): Promise<IntervalFiles | undefined> {
  const seals = await source.readFile(region, startSeconds, SEALS_FILE);
  if (seals === undefined || !billsAreSealed(seals)) {
    return undefined;
  }
  const files = new Map<string, Uint8Array>([[SEALS_FILE, seals]]);
  for (const name of [INDEX_FILE, ...Object.values(ROWS_FILE)] as const) {
    const bytes = await source.readFile(region, startSeconds, name);
    if (bytes !== undefined) {
      files.set(name, bytes);
    }
  }
  return files;
}

/** Unreadable seals count as complete: the audit says what is wrong with them. */
function billsAreSealed(seals: Uint8Array): boolean {
  try {
    return decodeSealsFile(seals).billing !== undefined;
  } catch {
    return true;
  }
}

/**
 * Checks an interval and finds the household's rows in it. A light check verifies the signatures of the household's own
 * rows and bills only; should one of them be bad, the whole interval is checked in full, so that what is disputed does
 * not tell which rows are the household's.
 *
 * @param priceTag of the household's own price row, if it has one
 */
export function checkInterval(
  crypto: Crypto,
  ledgerId: { readonly region: string; readonly startSeconds: number },
  files: IntervalFiles,
  trust: IntervalTrust,
  handles: readonly Handle[],
  depth: 'full' | 'light',
  priceTag?: Uint8Array,
): IntervalCheck {
  const { interval, seals, faults } = auditInterval(crypto, ledgerId, files, trust, depth);
  if (interval === undefined || seals === undefined) {
    return { faults, seals };
  }
  const own = findRows(files, handles);
  const price = priceTag && rowOf(files.get(ROWS_FILE.pricing)!, priceTag);
  const ownRows = [...own.flatMap(({ consumed, billed }) => [consumed, billed]), ...(price ? [price] : [])];
  if (depth === 'light' && !ownRows.every((row) => verifyRowSignature(crypto, row))) {
    return checkInterval(crypto, ledgerId, files, trust, handles, 'full', priceTag);
  }
  const hasPrice = priceTag === undefined || price !== undefined;
  return { interval, seals, own: own.map(({ consumed, billed }) => ownRow(consumed, billed)), hasPrice };
}

/**
 * The household's rows and bills; both ledgers have the same order, as the audit has checked. A meter that claims more
 * rows than a meter can have is lying: the rest is not the household's.
 */
function findRows(files: IntervalFiles, handles: readonly Handle[]): { consumed: Uint8Array; billed: Uint8Array }[] {
  const consumption = files.get(ROWS_FILE.consumption)!;
  const billing = files.get(ROWS_FILE.billing)!;
  const positions = handles.flatMap(({ pseudonym }) => rowPosition(consumption, pseudonym) ?? []);
  return positions
    .slice(0, MAXIMUM_ROWS_PER_METER)
    .map((position) => ({ consumed: rowAt(consumption, position), billed: rowAt(billing, position) }));
}

function ownRow(consumed: Uint8Array, billed: Uint8Array): OwnRow {
  return {
    pseudonym: rowPseudonym(consumed).slice(),
    milliWattHours: rowValue(consumed),
    billNanoCurrency: rowValue(billed),
  };
}

function rowOf(rows: Uint8Array, pseudonym: Uint8Array): Uint8Array | undefined {
  const position = rowPosition(rows, pseudonym);
  return position === undefined ? undefined : rowAt(rows, position);
}

function rowPosition(rows: Uint8Array, pseudonym: Uint8Array): number | undefined {
  let low = 0;
  let high = countRows(rows);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareBytes(rowPseudonym(rowAt(rows, middle)), pseudonym);
    if (order === 0) {
      return middle;
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return undefined;
}
