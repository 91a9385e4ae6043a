// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { lowSSigner } from './signer.js';

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

  it('accepts P-256 keys only', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
    assert.throws(() => lowSSigner(other), TypeError);
    assert.throws(() => lowSSigner(generateKeyPairSync('ed25519').privateKey), TypeError);
  });
});
