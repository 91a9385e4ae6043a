// SPDX-License-Identifier: Apache-2.0
import { compareBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { merkleRoot } from '../crypto/merkle.js';
import { ProtocolError } from '../errors.js';
import { MAXIMUM_ROWS, ROWS_PER_PAGE } from './limits.js';
import { ROW_LENGTH, rowPseudonym, rowValue } from './row.js';

/** Number of rows with a value in a page or an interval. */
export interface HistogramEntry {
  readonly value: bigint;
  /** At least 1. */
  readonly count: number;
}

/** Entry of a page in the header, committed before the page is published. */
export interface PageEntry {
  /** Pseudonym of the first row, 32 bytes. */
  readonly first: Uint8Array;
  /** Pseudonym of the last row, 32 bytes. */
  readonly last: Uint8Array;
  readonly count: number;
  /** Sum of the values. */
  readonly sum: bigint;
  /** Ascending by value. */
  readonly histogram: readonly HistogramEntry[];
  /** RFC 9162 root over the rows' bytes, 32 bytes. */
  readonly root: Uint8Array;
}

/** Rows in bytes of whole rows. @throws ProtocolError `BAD_LENGTH` */
export function countRows(rows: Uint8Array): number {
  if (rows.length % ROW_LENGTH !== 0) {
    throw new ProtocolError('BAD_LENGTH', `rows are ${ROW_LENGTH} bytes each`);
  }
  return rows.length / ROW_LENGTH;
}

/** The bytes of row `index`, a view. */
export function rowAt(rows: Uint8Array, index: number): Uint8Array {
  return rows.subarray(index * ROW_LENGTH, (index + 1) * ROW_LENGTH);
}

/** All rows as views. @throws ProtocolError `BAD_LENGTH` */
export function splitRows(rows: Uint8Array): Uint8Array[] {
  return Array.from({ length: countRows(rows) }, (_, index) => rowAt(rows, index));
}

/**
 * Cuts an interval's rows into pages of 500, the last shorter. No rows are no pages.
 *
 * @returns views into `rows`
 * @throws ProtocolError `BAD_LENGTH`, `LIMIT_EXCEEDED`
 */
export function splitPages(rows: Uint8Array): Uint8Array[] {
  const count = countRows(rows);
  if (count > MAXIMUM_ROWS) {
    throw new ProtocolError('LIMIT_EXCEEDED', `${count} rows, at most ${MAXIMUM_ROWS}`);
  }
  const pages: Uint8Array[] = [];
  for (let row = 0; row < count; row += ROWS_PER_PAGE) {
    pages.push(rows.subarray(row * ROW_LENGTH, Math.min(row + ROWS_PER_PAGE, count) * ROW_LENGTH));
  }
  return pages;
}

/**
 * The entry of a page: 1 to 500 rows in strictly ascending order of pseudonym.
 * Of the rows it reads only pseudonym and value; the rules read the rest.
 *
 * @throws ProtocolError `BAD_LENGTH`, `PAGE_SIZE`, `ROW_ORDER`, `DUPLICATE_ROW`
 */
export function pageEntry(crypto: Crypto, page: Uint8Array): PageEntry {
  const rows = splitRows(page);
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined || last === undefined || rows.length > ROWS_PER_PAGE) {
    throw new ProtocolError('PAGE_SIZE', `page of ${rows.length} rows, 1 to ${ROWS_PER_PAGE}`);
  }
  for (let i = 1; i < rows.length; i++) {
    checkRowOrder(rows[i - 1] as Uint8Array, rows[i] as Uint8Array);
  }
  const histogram = histogramOf(rows.map(rowValue));
  return {
    first: rowPseudonym(first).slice(),
    last: rowPseudonym(last).slice(),
    count: rows.length,
    sum: histogramTotal(histogram),
    histogram,
    root: merkleRoot(crypto, rows),
  };
}

/** Refuses neighbours out of order. @throws ProtocolError `DUPLICATE_ROW`, `ROW_ORDER` */
export function checkRowOrder(before: Uint8Array, after: Uint8Array): void {
  const order = compareBytes(rowPseudonym(before), rowPseudonym(after));
  if (order === 0) {
    throw new ProtocolError('DUPLICATE_ROW', 'duplicate pseudonym');
  }
  if (order > 0) {
    throw new ProtocolError('ROW_ORDER', 'rows are not in ascending order of pseudonym');
  }
}

/** Counts values, ascending. */
export function histogramOf(values: readonly bigint[]): HistogramEntry[] {
  return mergeHistograms([values.map((value) => ({ value, count: 1 }))]);
}

/** Adds histograms up, ascending by value. */
export function mergeHistograms(histograms: readonly (readonly HistogramEntry[])[]): HistogramEntry[] {
  const counts = new Map<bigint, number>();
  for (const { value, count } of histograms.flat()) {
    counts.set(value, (counts.get(value) ?? 0) + count);
  }
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => (a.value < b.value ? -1 : 1));
}

/** Σ value · count. */
export function histogramTotal(histogram: readonly HistogramEntry[]): bigint {
  return histogram.reduce((total, { value, count }) => total + value * BigInt(count), 0n);
}

/** Whether two histograms are the same. */
export function sameHistogram(a: readonly HistogramEntry[], b: readonly HistogramEntry[]): boolean {
  return a.length === b.length && a.every((entry, i) => entry.value === b[i]?.value && entry.count === b[i].count);
}
