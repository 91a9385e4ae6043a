// SPDX-License-Identifier: Apache-2.0
import { compareBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { digest } from '../crypto/hash.js';
import { ProtocolError } from '../errors.js';
import { CATEGORY_COUNT, MAXIMUM_ROWS } from './limits.js';
import { rowPseudonym, rowValue } from './row.js';
import { splitRows } from './page.js';

/** Bytes of a pseudonym in the index: 64 bits do not collide among 200,000 rows. */
export const INDEX_PREFIX_LENGTH = 8;

/** Bytes an index has for each row: the start of A and the category. */
export const INDEX_ENTRY_LENGTH = INDEX_PREFIX_LENGTH + 1;

/** One row in the index. */
export interface IndexEntry {
  /** First 8 bytes of A. */
  readonly prefix: Uint8Array;
  /** 0 (smallest) to 4. */
  readonly category: number;
}

/**
 * The index of a consumption ledger, in row order: a meter's acknowledgement and a household's light check.
 *
 * @param rows the interval's consumption rows, ascending
 * @param categoriesMilliWattHours the five categories of the parameters in force
 * @throws ProtocolError `BAD_LENGTH`, `BAD_CATEGORY`
 */
export function encodeIndex(rows: Uint8Array, categoriesMilliWattHours: readonly bigint[]): Uint8Array {
  const views = splitRows(rows);
  const bytes = new Uint8Array(views.length * INDEX_ENTRY_LENGTH);
  views.forEach((row, i) => {
    const category = categoriesMilliWattHours.indexOf(rowValue(row));
    if (category < 0) {
      throw new ProtocolError('BAD_CATEGORY', 'a row holds no category of the parameters');
    }
    bytes.set(rowPseudonym(row).subarray(0, INDEX_PREFIX_LENGTH), i * INDEX_ENTRY_LENGTH);
    bytes[i * INDEX_ENTRY_LENGTH + INDEX_PREFIX_LENGTH] = category;
  });
  return bytes;
}

/** Reads an index. @throws ProtocolError `BAD_LENGTH`, `LIMIT_EXCEEDED`, `ROW_ORDER`, `BAD_CATEGORY` */
export function decodeIndex(bytes: Uint8Array): IndexEntry[] {
  if (bytes.length % INDEX_ENTRY_LENGTH !== 0) {
    throw new ProtocolError('BAD_LENGTH', `index entries are ${INDEX_ENTRY_LENGTH} bytes each`);
  }
  const count = bytes.length / INDEX_ENTRY_LENGTH;
  if (count > MAXIMUM_ROWS) {
    throw new ProtocolError('LIMIT_EXCEEDED', `index of ${count} rows, at most ${MAXIMUM_ROWS}`);
  }
  const entries: IndexEntry[] = [];
  for (let i = 0; i < count; i++) {
    const entry = { prefix: prefixAt(bytes, i), category: categoryAt(bytes, i) };
    const before = entries.at(-1);
    if (before !== undefined && compareBytes(before.prefix, entry.prefix) > 0) {
      throw new ProtocolError('ROW_ORDER', 'index is not in ascending order');
    }
    if (entry.category >= CATEGORY_COUNT) {
      throw new ProtocolError('BAD_CATEGORY', 'index names a sixth category');
    }
    entries.push(entry);
  }
  return entries;
}

/** Digest of an index, which the consumption seal binds: SHA-256(prefix('index') ‖ bytes). */
export function indexDigest(crypto: Crypto, bytes: Uint8Array): Uint8Array {
  return digest(crypto, 'index', bytes);
}

/**
 * The category of a pseudonym in an index that was checked against its seal.
 * Binary search, as a meter or a hub looks up a few rows among thousands.
 *
 * @returns 0 to 4, or undefined when the row is proven absent
 */
export function indexCategory(bytes: Uint8Array, pseudonym: Uint8Array): number | undefined {
  const wanted = pseudonym.subarray(0, INDEX_PREFIX_LENGTH);
  let low = 0;
  let high = bytes.length / INDEX_ENTRY_LENGTH;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareBytes(prefixAt(bytes, middle), wanted);
    if (order === 0) {
      return categoryAt(bytes, middle);
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return undefined;
}

/** Tells whether a pseudonym is in the index; see {@link indexCategory}. */
export function indexContains(bytes: Uint8Array, pseudonym: Uint8Array): boolean {
  return indexCategory(bytes, pseudonym) !== undefined;
}

function prefixAt(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * INDEX_ENTRY_LENGTH, index * INDEX_ENTRY_LENGTH + INDEX_PREFIX_LENGTH);
}

function categoryAt(bytes: Uint8Array, index: number): number {
  return bytes[index * INDEX_ENTRY_LENGTH + INDEX_PREFIX_LENGTH] as number;
}
