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
  type VerifiedInterval,
} from '../../../protocol/rules/verify-interval.js';
import type { BulletinSource } from '../../bulletin/reader.js';
import type { RecentInterval } from '../parts.js';
import type { OwnRow } from './own-rows.js';
import type { LedgerId } from '../../../protocol/ledger/ledger-id.js';

/** Result of a hub's check of an interval. */
export type IntervalCheck =
  | {
      readonly interval: VerifiedInterval;
      readonly seals: IntervalSeals;
      readonly own: readonly OwnRow[];
      /** Whether there is a price row with the household's tag; true without a tag. */
      readonly hasPrice: boolean;
    }
  | { readonly faults: readonly Fault[]; readonly seals: IntervalSeals | undefined };

/** Options of {@link checkInterval}. */
export interface CheckOptions {
  /** Handles of the household's rows. */
  readonly handles: readonly Handle[];
  readonly depth: 'full' | 'light';
  /** Tag of the household's own price row, if it has one. */
  readonly priceTag?: Uint8Array | undefined;
}

/**
 * Fetches all files of an interval, so that the bulletin's server does not learn which rows are the household's.
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

/** Unreadable seals count as complete: the audit reports their faults. */
function billsAreSealed(seals: Uint8Array): boolean {
  try {
    return decodeSealsFile(seals).billing !== undefined;
  } catch {
    return true;
  }
}

/**
 * Checks an interval and finds the household's rows in it. A light check verifies the signatures of the household's own
 * rows and bills only; if one of them is invalid, the interval is checked in full, so that a dispute does not show
 * which rows are the household's.
 */
export function checkInterval(
  crypto: Crypto,
  ledgerId: LedgerId,
  { files, trust }: Pick<RecentInterval, 'files' | 'trust'>,
  options: CheckOptions,
): IntervalCheck {
  const { handles, depth, priceTag } = options;
  const { interval, seals, faults } = auditInterval(crypto, ledgerId, files, { ...trust, depth });
  if (interval === undefined || seals === undefined) {
    return { faults, seals };
  }
  const own = findRows(files, handles);
  const price = priceTag && rowOf(files.get(ROWS_FILE.pricing)!, priceTag);
  const ownRows = [...own.flatMap(({ consumed, billed }) => [consumed, billed]), ...(price ? [price] : [])];
  if (depth === 'light' && !ownRows.every((row) => verifyRowSignature(crypto, row))) {
    return checkInterval(crypto, ledgerId, { files, trust }, { ...options, depth: 'full' });
  }
  const hasPrice = priceTag === undefined || price !== undefined;
  return { interval, seals, own: own.map(({ consumed, billed }) => ownRow(consumed, billed)), hasPrice };
}

/**
 * Finds the household's rows and bills; both ledgers have the same order, as the audit has checked. Rows beyond the
 * maximum of a meter are not the household's, whatever its meter claims.
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
