// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import { ProtocolError } from '../errors.js';
import type { Header } from '../ledger/header.js';
import { decodeIndex, INDEX_PREFIX_LENGTH, type IndexEntry } from '../ledger/index-file.js';
import { ROWS_PER_PAGE } from '../ledger/limits.js';
import { histogramOf, type PageEntry, sameHistogram } from '../ledger/page.js';

/**
 * The index against the consumption header, without the rows: count, and per page borders and categories.
 *
 * @param index bytes of `consumption.index`
 * @param header that `checkHeader` accepted
 * @param categoriesMilliWattHours of the parameters in force
 * @returns rows per category, smallest category first
 * @throws ProtocolError as `decodeIndex`; `INDEX_MISMATCH`
 */
export function checkIndex(index: Uint8Array, header: Header, categoriesMilliWattHours: readonly bigint[]): number[] {
  const entries = decodeIndex(index);
  if (entries.length !== header.count) {
    throw new ProtocolError('INDEX_MISMATCH', 'index has another number of rows');
  }
  header.pages.forEach((page, p) => {
    // Every page but the last is full, so page p begins at row 500 p.
    const ofPage = entries.slice(p * ROWS_PER_PAGE, p * ROWS_PER_PAGE + page.count);
    if (!isIndexOfPage(ofPage, page, categoriesMilliWattHours)) {
      throw new ProtocolError('INDEX_MISMATCH', `index does not fit page ${p}`);
    }
  });
  return categoriesMilliWattHours.map((_, category) => entries.filter((entry) => entry.category === category).length);
}

function isIndexOfPage(entries: readonly IndexEntry[], page: PageEntry, categories: readonly bigint[]): boolean {
  const first = entries[0];
  const last = entries.at(-1);
  return (
    first !== undefined &&
    last !== undefined &&
    equalBytes(first.prefix, page.first.subarray(0, INDEX_PREFIX_LENGTH)) &&
    equalBytes(last.prefix, page.last.subarray(0, INDEX_PREFIX_LENGTH)) &&
    sameHistogram(histogramOf(entries.map((entry) => categories[entry.category]!)), page.histogram)
  );
}
