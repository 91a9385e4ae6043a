// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { signLowS, verifyLowS } from './ecdsa.js';

const ORDER = p256.Point.Fn.ORDER;
const message = Buffer.from('a block, or a proposal');

describe('ECDSA with low s', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

  it('makes signatures that OpenSSL accepts and whose s is low, every time', () => {
    for (let i = 0; i < 64; i++) {
      const signature = signLowS(privateKey, message);
      assert.ok(verify('sha256', message, publicKey, signature));
      assert.ok(!p256.Signature.fromBytes(signature, 'der').hasHighS());
      assert.ok(verifyLowS(publicKey, message, signature));
    }
  });

  it('refuses the other signature, which is as good to OpenSSL', () => {
    const low = p256.Signature.fromBytes(signLowS(privateKey, message), 'der');
    const high = new p256.Signature(low.r, ORDER - low.s).toBytes('der');
    assert.ok(verify('sha256', message, publicKey, high));
    assert.equal(verifyLowS(publicKey, message, high), false);
  });

  it('refuses another message, another key and bytes that are not a signature', () => {
    const signature = signLowS(privateKey, message);
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    assert.equal(verifyLowS(publicKey, Buffer.from('another'), signature), false);
    assert.equal(verifyLowS(other.publicKey, message, signature), false);
    const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const malformed = [
      new Uint8Array(),
      Uint8Array.of(0x30, 0),
      raw,
      signature.subarray(1),
      Buffer.concat([signature, raw]),
    ];
    malformed.forEach((bytes) => assert.equal(verifyLowS(publicKey, message, bytes), false));
  });
});
