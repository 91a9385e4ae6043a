// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { fromHex, toHex } from '../crypto/bytes.js';
import { epochNode } from '../crypto/ggm.js';
import { oneTimeKey } from './one-time-key.js';

interface OneTimeKeyVectors {
  readonly meterKey: string;
  readonly oneTimeKeys: readonly {
    readonly epoch: number;
    readonly k: number;
    readonly publicKey: string;
    readonly message: string;
    readonly signature: string;
  }[];
}

describe('one-time keys', () => {
  const vectors = frozenVectors<OneTimeKeyVectors>('ggm');
  for (const crypto of BACK_ENDS) {
    it(`match the frozen vectors (${crypto.name})`, () => {
      for (const { epoch, k, publicKey, message, signature } of vectors.oneTimeKeys) {
        const node = epochNode(crypto, fromHex(vectors.meterKey), epoch);
        const key = oneTimeKey(crypto, node, k);
        assert.equal(toHex(key.publicKey), publicKey);
        assert.equal(toHex(key.sign(fromHex(message))), signature);
        assert.ok(crypto.ed25519Verify(fromHex(signature), fromHex(message), key.publicKey));
      }
    });

    it(`refuse k = 0 (${crypto.name})`, () =>
      assert.throws(() => oneTimeKey(crypto, new Uint8Array(32), 0), { code: 'K_RANGE' }));
  }
});
