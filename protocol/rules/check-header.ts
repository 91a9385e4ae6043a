// SPDX-License-Identifier: Apache-2.0
import { compareBytes } from '../crypto/bytes.js';
import { ProtocolError } from '../errors.js';
import type { Header } from '../ledger/header.js';
import { sameLedger } from '../ledger/ledger-id.js';
import { MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR, ROWS_PER_PAGE } from '../ledger/limits.js';
import { type HistogramEntry, histogramTotal, mergeHistograms, type PageEntry, sameHistogram } from '../ledger/page.js';
import { PRICE_STEP_NANO_PER_KILOWATT_HOUR } from '../tariff/tariff.js';
import type { IntervalContext } from './interval-context.js';

/**
 * A header in itself and against the parameters: its ledger, version and epoch; order and borders of the pages, which
 * make every pseudonym of the interval unique; sizes, sums and histograms. In consumption also the five categories,
 * each held by no row or by at least k rows; in pricing, but for price mode `direct`, one row with a possible price.
 * Bills have `checkBillHeader`, direct prices `checkPriceCount`.
 *
 * @throws ProtocolError `WRONG_LEDGER`, `HEADER_MISMATCH`, `PAGE_SIZE`, `PAGE_ORDER`, `BAD_CATEGORY`, `K_ANONYMITY`, `PRICE_GRANULARITY`
 */
export function checkHeader(header: Header, context: IntervalContext): void {
  if (!sameLedger(header.ledgerId, context.ledgerId)) {
    throw new ProtocolError('WRONG_LEDGER', 'header is of another interval or region');
  }
  if (header.parametersVersion !== context.parameters.version) {
    mismatch('parameters version is not the one in force');
  }
  if (header.registryEpoch !== context.registryEpoch) {
    mismatch('registry epoch is not the one of the interval');
  }
  checkPages(header.pages);
  if (header.count !== sumOfCounts(header.pages)) {
    mismatch('count is not the sum of the pages');
  }
  checkHistogram(header.histogram, header.count, header.total);
  if (!sameHistogram(header.histogram, mergeHistograms(header.pages.map((page) => page.histogram)))) {
    mismatch('histogram is not the sum of the pages');
  }
  if (header.kind === 'consumption') {
    checkCategoryCounts(header.histogram, context);
  }
  if (header.kind === 'pricing' && context.parameters.priceMode === 'ledger') {
    checkPriceHistogram(header);
  }
}

function checkPages(pages: readonly PageEntry[]): void {
  pages.forEach((page, p) => {
    const next = pages[p + 1];
    if (page.count < 1 || page.count > ROWS_PER_PAGE || (next !== undefined && page.count !== ROWS_PER_PAGE)) {
      throw new ProtocolError('PAGE_SIZE', `every page but the last has ${ROWS_PER_PAGE} rows, the last at least one`);
    }
    const order = compareBytes(page.first, page.last);
    if (order > 0 || (order === 0) !== (page.count === 1)) {
      throw new ProtocolError('PAGE_ORDER', 'first and last pseudonym of a page do not fit its count');
    }
    if (next !== undefined && compareBytes(page.last, next.first) >= 0) {
      throw new ProtocolError('PAGE_ORDER', 'a page does not begin after the end of the one before');
    }
    checkHistogram(page.histogram, page.count, page.sum);
  });
}

function checkHistogram(histogram: readonly HistogramEntry[], count: number, total: bigint): void {
  histogram.forEach((entry, i) => {
    const before = histogram[i - 1];
    if (before !== undefined && entry.value <= before.value) {
      mismatch('histogram does not ascend');
    }
    if (entry.count < 1) {
      mismatch('histogram has an empty entry');
    }
  });
  if (sumOfCounts(histogram) !== count) {
    mismatch('histogram does not add up to the count');
  }
  if (histogramTotal(histogram) !== total) {
    mismatch('histogram does not add up to the total');
  }
}

function checkCategoryCounts(histogram: readonly HistogramEntry[], context: IntervalContext): void {
  const { categoriesMilliWattHours, kAnonymity } = context.parameters;
  for (const { value, count } of histogram) {
    if (!categoriesMilliWattHours.includes(value)) {
      throw new ProtocolError('BAD_CATEGORY', 'header contains a value that is not one of the five categories');
    }
    if (count < kAnonymity) {
      throw new ProtocolError('K_ANONYMITY', `a category has fewer than ${kAnonymity} rows`);
    }
  }
}

function checkPriceHistogram(header: Header): void {
  if (header.count !== 1) {
    throw new ProtocolError('PAGE_SIZE', 'the price ledger is one row');
  }
  if (header.total % PRICE_STEP_NANO_PER_KILOWATT_HOUR !== 0n) {
    throw new ProtocolError('PRICE_GRANULARITY', 'price is not a multiple of 1,000');
  }
  if (header.total > MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR) {
    mismatch('price is out of range');
  }
}

function sumOfCounts(entries: readonly { readonly count: number }[]): number {
  return entries.reduce((sum, { count }) => sum + count, 0);
}

function mismatch(reason: string): never {
  throw new ProtocolError('HEADER_MISMATCH', reason);
}
