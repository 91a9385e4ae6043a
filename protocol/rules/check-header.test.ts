// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import type { Header } from '../ledger/header.js';
import { type HistogramEntry, histogramTotal, mergeHistograms, type PageEntry } from '../ledger/page.js';
import { checkHeader } from './check-header.js';
import { intervalContext } from './interval-context.js';

const { parameters } = new FakeRegion({ meters: 1 });
const context = intervalContext(sodiumCrypto, parameters, parameters.effectiveFromSeconds);
const [SMALL, SECOND] = parameters.categoriesMilliWattHours as [bigint, bigint];

function pseudonym(number: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, number);
  return bytes;
}

function page(first: number, last: number, ...histogram: [value: bigint, count: number][]): PageEntry {
  const entries = histogram.map(([value, count]) => ({ value, count }));
  return {
    first: pseudonym(first),
    last: pseudonym(last),
    count: entries.reduce((sum, { count }) => sum + count, 0),
    sum: histogramTotal(entries),
    histogram: entries,
    root: new Uint8Array(32),
  };
}

function header(pages: readonly PageEntry[], change: Partial<Header> = {}): Header {
  const histogram = mergeHistograms(pages.map((entry) => entry.histogram));
  return {
    kind: 'consumption',
    ledgerId: context.ledgerId,
    parametersVersion: 1,
    registryEpoch: 0,
    count: pages.reduce((sum, { count }) => sum + count, 0),
    total: histogramTotal(histogram),
    histogram,
    pages,
    ...change,
  };
}

const full = page(0, 499, [SMALL, 300], [SECOND, 200]);
const rest = page(500, 520, [SMALL, 3], [SECOND, 7]);
const good = header([full, rest]);
const refused = (bad: Header, code: string) => {
  assert.throws(() => checkHeader(bad, context), { code });
};

describe('header of an interval', () => {
  it('passes: full pages and a rest, one row, no row', () => {
    checkHeader(good, context);
    checkHeader(header([full]), context);
    checkHeader(header([]), context);
    checkHeader(header([page(7, 7, [5_000n, 1])], { kind: 'billing' }), context);
    checkHeader(header([page(7, 7, [250_000_000n, 1])], { kind: 'pricing' }), context);
  });

  it('is of this interval, version and epoch', () => {
    const { region, startSeconds } = context.ledgerId;
    refused({ ...good, ledgerId: { region, startSeconds: startSeconds + 1_800 } }, 'WRONG_LEDGER');
    refused({ ...good, ledgerId: { region: 'paris', startSeconds } }, 'WRONG_LEDGER');
    refused({ ...good, parametersVersion: 2 }, 'HEADER_MISMATCH');
    refused({ ...good, registryEpoch: 1 }, 'HEADER_MISMATCH');
  });

  it('has 500 rows in every page but the last, and one at least', () => {
    refused(header([rest, page(600, 650, [SMALL, 20])]), 'PAGE_SIZE');
    refused(header([page(0, 499, [SMALL, 499]), rest]), 'PAGE_SIZE');
    refused(header([page(0, 500, [SMALL, 501])]), 'PAGE_SIZE');
    refused(header([full, page(500, 500)]), 'PAGE_SIZE');
  });

  it('keeps the order inside a page entry and between pages', () => {
    refused(header([page(9, 8, [SMALL, 10])]), 'PAGE_ORDER');
    refused(header([page(9, 9, [SMALL, 10])]), 'PAGE_ORDER');
    refused(header([page(8, 9, [5_000n, 1])], { kind: 'billing' }), 'PAGE_ORDER');
    refused(header([full, page(499, 520, [SMALL, 10])]), 'PAGE_ORDER');
    refused(header([full, page(100, 520, [SMALL, 10])]), 'PAGE_ORDER');
    refused(header([rest, full].reverse().reverse()), 'PAGE_SIZE');
    refused(header([page(500, 999, [SMALL, 500]), full]), 'PAGE_ORDER');
  });

  it('adds up', () => {
    refused({ ...good, count: good.count + 1 }, 'HEADER_MISMATCH');
    refused({ ...good, total: good.total + 1n }, 'HEADER_MISMATCH');
    refused({ ...good, histogram: [...good.histogram].reverse() }, 'HEADER_MISMATCH');
    refused({ ...good, histogram: [] }, 'HEADER_MISMATCH');
    refused(header([full, { ...rest, sum: rest.sum + 1n }]), 'HEADER_MISMATCH');
    refused(header([full, { ...rest, count: rest.count + 1 }]), 'HEADER_MISMATCH');
    refused(header([full, { ...rest, histogram: [...rest.histogram].reverse() }]), 'HEADER_MISMATCH');
    const split: HistogramEntry[] = [
      { value: SMALL, count: 1 },
      { value: SMALL, count: 2 },
      { value: SECOND, count: 7 },
    ];
    refused(header([full, { ...rest, histogram: split }]), 'HEADER_MISMATCH');
    const empty = [...rest.histogram, { value: 800_000n, count: 0 }];
    refused(header([full, { ...rest, histogram: empty }]), 'HEADER_MISMATCH');
    // The same totals, other pages.
    const swapped = header([full, rest]).histogram.map(({ value }, i) => ({ value, count: [305, 205][i]! }));
    refused({ ...good, histogram: swapped, total: histogramTotal(swapped) }, 'HEADER_MISMATCH');
  });

  it('holds the five categories only', () => {
    refused(header([page(0, 9, [SMALL, 5], [SECOND + 1n, 5])]), 'BAD_CATEGORY');
    refused(header([page(0, 9, [0n, 10])]), 'BAD_CATEGORY');
  });

  it('holds a category never or at least k times', () => {
    for (let count = 1; count < parameters.kAnonymity; count++) {
      refused(header([page(0, 99, [SMALL, 100 - count], [SECOND, count])]), 'K_ANONYMITY');
    }
    checkHeader(header([page(0, 99, [SMALL, 95], [SECOND, 5])]), context);
    // Counted over the interval, not over a page.
    checkHeader(header([page(0, 499, [SMALL, 497], [SECOND, 3]), page(500, 509, [SMALL, 8], [SECOND, 2])]), context);
  });

  it('has one price, a multiple of 1,000 within bounds', () => {
    const pricing = (...histogram: [bigint, number][]) =>
      header([page(0, histogram.length > 1 || histogram[0]![1] > 1 ? 9 : 0, ...histogram)], { kind: 'pricing' });
    refused(pricing([1_000n, 2]), 'PAGE_SIZE');
    refused(header([], { kind: 'pricing' }), 'PAGE_SIZE');
    refused(pricing([1_001n, 1]), 'PRICE_GRANULARITY');
    refused(pricing([100_000_000_001_000n, 1]), 'HEADER_MISMATCH');
  });
});
