// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { p256 } from '@noble/curves/nist.js';
import { derInteger, isLowSDer, lowSDer, P256_ORDER } from './p256-signature.js';

describe('protocol/crypto/p256-signature', () => {
  it('writes r and s of every length as another implementation does', () => {
    const order = p256.Point.Fn.ORDER;
    const half = order >> 1n;
    for (const s of [1n, 0x7fn, 0x80n, half - 1n, half, half + 1n, order - 1n]) {
      for (const r of [1n, 0x80n, 0xffffn, order - 1n]) {
        const raw = Buffer.from([r, s].map((n) => n.toString(16).padStart(64, '0')).join(''), 'hex');
        const expected = new p256.Signature(r, s > half ? order - s : s).toBytes('der');
        assert.deepEqual(lowSDer(raw), expected);
        assert.ok(isLowSDer(expected));
      }
    }
  });

  it('tells low s from high, and a signature from other bytes', () => {
    assert.equal(P256_ORDER, p256.Point.Fn.ORDER);
    const low = new p256.Signature(5n, P256_ORDER >> 1n).toBytes('der');
    assert.equal(isLowSDer(low), true);
    assert.equal(isLowSDer(new p256.Signature(5n, (P256_ORDER >> 1n) + 1n).toBytes('der')), false);
    for (const bytes of [new Uint8Array(), Uint8Array.of(0x30, 0), low.subarray(1), Uint8Array.of(...low, 0)]) {
      assert.equal(isLowSDer(bytes), false);
    }
  });

  it('writes DER integers minimal and positive', () => {
    assert.deepEqual([...derInteger(Uint8Array.of(0, 0, 5))], [2, 1, 5]);
    assert.deepEqual([...derInteger(Uint8Array.of(0, 0x80))], [2, 2, 0, 0x80]);
    assert.deepEqual([...derInteger(new Uint8Array(8))], [2, 1, 0]);
  });
});
