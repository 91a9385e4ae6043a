// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareBytes, concatBytes } from '../crypto/bytes.js';
import { anyBytes } from '../../test/support/arbitraries.js';
import { decodeIndex, encodeIndex, indexCategory, indexContains, INDEX_ENTRY_LENGTH } from './index-file.js';
import { MAXIMUM_ROWS } from './limits.js';
import { encodeRow } from './row.js';

const CATEGORIES = [10n, 20n, 40n, 80n, 160n];

const row = (pseudonym: Uint8Array, value: bigint): Uint8Array =>
  encodeRow({
    type: 0,
    ledgerId: { region: 'a', startSeconds: 0 },
    pseudonym,
    timeSeconds: 1,
    value,
    signaturePublicKey: new Uint8Array(32),
    signature: new Uint8Array(64),
  });

const anyRows = fc
  .array(fc.record({ pseudonym: anyBytes(32), category: fc.nat(4) }), { maxLength: 30 })
  .map((rows) => rows.sort((a, b) => compareBytes(a.pseudonym, b.pseudonym)));

describe('index', () => {
  it('holds for every row the start of its pseudonym and its category', () => {
    fc.assert(
      fc.property(anyRows, anyBytes(32), (rows, stranger) => {
        const bytes = encodeIndex(
          concatBytes(...rows.map(({ pseudonym, category }) => row(pseudonym, CATEGORIES[category]!))),
          CATEGORIES,
        );
        assert.equal(bytes.length, rows.length * INDEX_ENTRY_LENGTH);
        assert.deepEqual(
          decodeIndex(bytes),
          rows.map(({ pseudonym, category }) => ({ prefix: pseudonym.slice(0, 8), category })),
        );
        for (const { pseudonym } of rows) {
          assert.ok(indexContains(bytes, pseudonym));
        }
        const prefix = Buffer.from(stranger.subarray(0, 8));
        const known = rows.some(({ pseudonym }) => prefix.equals(pseudonym.subarray(0, 8)));
        assert.equal(indexContains(bytes, stranger), known);
      }),
    );
  });

  it('finds every row by binary search, and nothing beside it', () => {
    const pseudonyms = Array.from({ length: 257 }, (_, i) => {
      const pseudonym = new Uint8Array(32);
      new DataView(pseudonym.buffer).setUint32(4, 2 * i);
      return pseudonym;
    });
    const rows = concatBytes(...pseudonyms.map((pseudonym, i) => row(pseudonym, CATEGORIES[i % 5]!)));
    const bytes = encodeIndex(rows, CATEGORIES);
    pseudonyms.forEach((pseudonym, i) => {
      assert.equal(indexCategory(bytes, pseudonym), i % 5);
      assert.equal(indexCategory(bytes, pseudonym.with(7, pseudonym[7]! + 1)), undefined);
    });
    assert.equal(indexCategory(new Uint8Array(), pseudonyms[0]!), undefined);
  });

  it('refuses rows and bytes that are not an index', () => {
    assert.throws(() => encodeIndex(row(new Uint8Array(32), 30n), CATEGORIES), { code: 'BAD_CATEGORY' });
    assert.throws(() => encodeIndex(new Uint8Array(176), CATEGORIES), { code: 'BAD_LENGTH' });
    assert.throws(() => decodeIndex(new Uint8Array(10)), { code: 'BAD_LENGTH' });
    assert.throws(() => decodeIndex(new Uint8Array(9).with(8, 5)), { code: 'BAD_CATEGORY' });
    assert.throws(() => decodeIndex(new Uint8Array(18).with(7, 1)), { code: 'ROW_ORDER' });
    assert.equal(decodeIndex(new Uint8Array(18)).length, 2, 'two pseudonyms may begin alike');
    const tooLong = new Uint8Array((MAXIMUM_ROWS + 1) * INDEX_ENTRY_LENGTH);
    assert.throws(() => decodeIndex(tooLong), { code: 'LIMIT_EXCEEDED' });
  });
});
