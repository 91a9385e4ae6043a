// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { concatBytes } from '../crypto/bytes.js';
import { merkleRoot } from '../crypto/merkle.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { MAXIMUM_PAGES, MAXIMUM_ROWS } from './limits.js';
import {
  countRows,
  histogramOf,
  histogramTotal,
  mergeHistograms,
  pageEntry,
  rowAt,
  sameHistogram,
  splitPages,
  splitRows,
} from './page.js';
import { encodeRow, ROW_LENGTH, ROW_OFFSET } from './row.js';

/** A row with a pseudonym that ends in a number. */
function row(number: number, value: bigint): Uint8Array {
  const pseudonym = new Uint8Array(32);
  new DataView(pseudonym.buffer).setUint32(28, number);
  return encodeRow({
    type: 0,
    ledgerId: { region: 'a', startSeconds: 0 },
    pseudonym,
    timeSeconds: 1,
    value,
    signaturePublicKey: new Uint8Array(32),
    signature: new Uint8Array(64),
  });
}

describe('page', () => {
  it('has borders, sum, histogram and the root over its rows', () => {
    const rows = [row(1, 20n), row(5, 10n), row(9, 20n)];
    const entry = pageEntry(sodiumCrypto, concatBytes(...rows));
    assert.deepEqual(entry.first, rows[0]!.subarray(ROW_OFFSET.pseudonym, ROW_OFFSET.time));
    assert.deepEqual(entry.last, rows[2]!.subarray(ROW_OFFSET.pseudonym, ROW_OFFSET.time));
    assert.equal(entry.count, 3);
    assert.equal(entry.sum, 50n);
    assert.deepEqual(entry.histogram, [
      { value: 10n, count: 1 },
      { value: 20n, count: 2 },
    ]);
    assert.deepEqual(entry.root, merkleRoot(sodiumCrypto, rows));
  });

  it('refuses rows out of order, rows that are there twice, and pages of no or too many rows', () => {
    const page = (...rows: Uint8Array[]) => pageEntry(sodiumCrypto, concatBytes(...rows));
    assert.throws(() => page(row(2, 1n), row(1, 1n)), { code: 'ROW_ORDER' });
    assert.throws(() => page(row(1, 1n), row(1, 2n)), { code: 'DUPLICATE_ROW' });
    assert.throws(() => page(), { code: 'PAGE_SIZE' });
    assert.throws(() => page(...Array.from({ length: 501 }, (_, i) => row(i, 1n))), { code: 'PAGE_SIZE' });
    assert.throws(() => page(row(1, 1n).subarray(1)), { code: 'BAD_LENGTH' });
  });

  it('is 500 rows but for the last', () => {
    const sizes = (rows: number) => splitPages(new Uint8Array(rows * ROW_LENGTH)).map(countRows);
    assert.deepEqual(sizes(0), []);
    assert.deepEqual(sizes(1), [1]);
    assert.deepEqual(sizes(500), [500]);
    assert.deepEqual(sizes(1_001), [500, 500, 1]);
    assert.equal(sizes(MAXIMUM_ROWS).length, MAXIMUM_PAGES);
    assert.throws(() => splitPages(new Uint8Array((MAXIMUM_ROWS + 1) * ROW_LENGTH)), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => splitPages(new Uint8Array(ROW_LENGTH + 1)), { code: 'BAD_LENGTH' });
  });

  it('splits into views that join to the same bytes', () => {
    const rows = concatBytes(row(1, 1n), row(2, 2n));
    assert.deepEqual(concatBytes(...splitRows(rows)), rows);
    assert.deepEqual(rowAt(rows, 1), row(2, 2n));
  });
});

describe('histogram', () => {
  const values = fc.array(fc.bigInt({ min: 0n, max: 5n }), { maxLength: 40 });

  it('counts every value once, ascending', () => {
    fc.assert(
      fc.property(values, (all) => {
        const histogram = histogramOf(all);
        assert.equal(
          histogramTotal(histogram),
          all.reduce((sum, value) => sum + value, 0n),
        );
        assert.deepEqual(
          histogram.flatMap(({ value, count }) => Array<bigint>(count).fill(value)),
          [...all].sort((a, b) => Number(a - b)),
        );
      }),
    );
  });

  it('adds up as if counted together', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const together = histogramOf([...a, ...b]);
        assert.ok(sameHistogram(mergeHistograms([histogramOf(a), histogramOf(b)]), together));
        if (b.length > 0) {
          assert.ok(!sameHistogram(histogramOf(a), together));
        }
      }),
    );
  });
});
