// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { lowSDer, lowSSigner } from './signer.js';

const message = Buffer.from('a proposal');

describe('ledger signer', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

  it('makes DER signatures of the message that verify and have a low s, every time', async () => {
    const signer = lowSSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    for (let i = 0; i < 64; i++) {
      const signature = await signer(message);
      assert.ok(verify('sha256', message, publicKey, signature));
      assert.ok(!p256.Signature.fromBytes(signature, 'der').hasHighS());
    }
  });

  it('writes r and s of every length as another implementation does', () => {
    const order = p256.Point.Fn.ORDER;
    const half = order >> 1n;
    for (const s of [1n, 0x7fn, 0x80n, half - 1n, half, half + 1n, order - 1n]) {
      for (const r of [1n, 0x80n, 0xffffn, order - 1n]) {
        const raw = Buffer.from([r, s].map((n) => n.toString(16).padStart(64, '0')).join(''), 'hex');
        const expected = new p256.Signature(r, s > half ? order - s : s).toBytes('der');
        assert.deepEqual(new Uint8Array(lowSDer(raw)), expected);
      }
    }
    const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    assert.ok(verify('sha256', message, publicKey, lowSDer(raw)));
  });

  it('takes P-256 keys only', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
    assert.throws(() => lowSSigner(other), TypeError);
    assert.throws(() => lowSSigner(generateKeyPairSync('ed25519').privateKey), TypeError);
  });
});
