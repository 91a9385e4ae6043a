// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { asciiBytes, concatBytes } from '../crypto/bytes.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { anyHeader } from '../../test/support/arbitraries.js';
import { type JsonObject, type JsonValue, parseCanonical } from './canonical-json.js';
import { buildHeader, decodeHeader, encodeHeader, headerDigest, headerFromJson, headerToJson } from './header.js';
import { MAXIMUM_HEADER_BYTES, MAXIMUM_PAGES } from './limits.js';
import { encodeRow } from './row.js';

const ABOUT = {
  kind: 'consumption',
  ledgerId: { region: 'a', startSeconds: 0 },
  parametersVersion: 1,
  registryEpoch: 0,
} as const;

function rows(count: number): Uint8Array {
  return concatBytes(
    ...Array.from({ length: count }, (_, i) => {
      const pseudonym = new Uint8Array(32);
      new DataView(pseudonym.buffer).setUint32(0, i);
      return encodeRow({
        type: 0,
        ledgerId: ABOUT.ledgerId,
        pseudonym,
        timeSeconds: 1,
        value: BigInt(10 * (1 + (i % 2))),
        signaturePublicKey: new Uint8Array(32),
        signature: new Uint8Array(64),
      });
    }),
  );
}

describe('header', () => {
  it('reads back what it writes', () => {
    fc.assert(fc.property(anyHeader, (header) => assert.deepEqual(decodeHeader(encodeHeader(header)), header)));
  });

  it('is built from rows: counts, totals and a page entry for each 500', () => {
    const header = buildHeader(sodiumCrypto, ABOUT, rows(1_001));
    assert.equal(header.count, 1_001);
    assert.equal(header.total, 10n * 501n + 20n * 500n);
    assert.deepEqual(header.histogram, [
      { value: 10n, count: 501 },
      { value: 20n, count: 500 },
    ]);
    assert.deepEqual(
      header.pages.map(({ count }) => count),
      [500, 500, 1],
    );
    assert.deepEqual(header.pages[2]!.first, header.pages[2]!.last);
  });

  it('of no rows has no pages', () => {
    const header = buildHeader(sodiumCrypto, ABOUT, new Uint8Array());
    assert.deepEqual(header, { ...ABOUT, count: 0, total: 0n, histogram: [], pages: [] });
    assert.deepEqual(decodeHeader(encodeHeader(header)), header);
  });

  it('refuses rows out of order', () => {
    const sorted = rows(2);
    const swapped = concatBytes(sorted.subarray(177), sorted.subarray(0, 177));
    assert.throws(() => buildHeader(sodiumCrypto, ABOUT, swapped), { code: 'ROW_ORDER' });
  });

  it('has another digest for every other content', () => {
    fc.assert(
      fc.property(anyHeader, anyHeader, (a, b) => {
        const same = Buffer.compare(encodeHeader(a), encodeHeader(b)) === 0;
        assert.equal(Buffer.compare(headerDigest(sodiumCrypto, a), headerDigest(sodiumCrypto, b)) === 0, same);
      }),
    );
  });

  it('refuses fields of another type or out of range', () => {
    const json = headerToJson(buildHeader(sodiumCrypto, ABOUT, rows(1))) as JsonObject;
    const page = (json['pages'] as readonly JsonObject[])[0]!;
    const refusals: [JsonValue, string][] = [
      [{ ...json, kind: 'prices' }, 'MALFORMED'],
      [{ ...json, extra: 1 }, 'MALFORMED'],
      [{ ...json, parametersVersion: 0 }, 'MALFORMED'],
      [{ ...json, registryEpoch: 65_536 }, 'MALFORMED'],
      [{ ...json, count: 200_001 }, 'MALFORMED'],
      [{ ...json, total: 10 }, 'MALFORMED'],
      [{ ...json, total: '010' }, 'MALFORMED'],
      [{ ...json, ledgerId: { region: 'A', startSeconds: 0 } }, 'MALFORMED'],
      [{ ...json, histogram: [{ value: '1', count: 0 }] }, 'MALFORMED'],
      [{ ...json, histogram: Array<JsonValue>(6).fill({ value: '1', count: 1 }) }, 'LIMIT_EXCEEDED'],
      [{ ...json, pages: Array<JsonValue>(MAXIMUM_PAGES + 1).fill(page) }, 'LIMIT_EXCEEDED'],
      [{ ...json, pages: [{ ...page, count: 501 }] }, 'MALFORMED'],
      [{ ...json, pages: [{ ...page, count: 0 }] }, 'MALFORMED'],
      [{ ...json, pages: [{ ...page, root: '00' }] }, 'MALFORMED'],
    ];
    for (const [value, code] of refusals) {
      assert.throws(() => headerFromJson(value), { code });
    }
    assert.throws(() => decodeHeader(asciiBytes('[]')), { code: 'MALFORMED' });
    assert.throws(() => decodeHeader(new Uint8Array(MAXIMUM_HEADER_BYTES + 1)), { code: 'LIMIT_EXCEEDED' });
  });

  it('fits its limit with the most pages and the longest numbers', () => {
    const long = { value: 10n ** 17n, count: 100 };
    const page = {
      first: new Uint8Array(32),
      last: new Uint8Array(32),
      count: 500,
      sum: 10n ** 20n,
      histogram: Array.from({ length: 5 }, () => long),
      root: new Uint8Array(32),
    };
    const largest = encodeHeader({
      ...ABOUT,
      ledgerId: { region: 'abcdefgh', startSeconds: 253_402_300_799 },
      count: 200_000,
      total: 10n ** 25n,
      histogram: page.histogram,
      pages: Array.from({ length: MAXIMUM_PAGES }, () => page),
    });
    assert.ok(largest.length <= MAXIMUM_HEADER_BYTES);
    assert.doesNotThrow(() => parseCanonical(largest, MAXIMUM_HEADER_BYTES));
  });
});
