// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { concatBytes, fromHex, toHex } from '../crypto/bytes.js';
import { prefix } from '../crypto/hash.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { meterIdentity, sharedLinkKey } from './meter-identity.js';
import { priceTag, priceTagKey } from './price-tag.js';

interface PriceTagVectors {
  readonly price: Readonly<Record<'secretKey' | 'publicKey' | 'identity', string>>;
  readonly priceTag: {
    readonly consumerSecretKey: string;
    readonly consumerPublicKey: string;
    readonly sharedKey: string;
    readonly tags: readonly { readonly epoch: number; readonly number: number; readonly tag: string }[];
  };
}

const { price, priceTag: vectors } = frozenVectors<PriceTagVectors>('pseudonym');
const identity = fromHex(price.identity);
const sharedKey = fromHex(vectors.sharedKey);

describe('price tags (Table 4)', () => {
  for (const crypto of BACK_ENDS) {
    it(`match the frozen vectors (${crypto.name})`, () => {
      for (const { epoch, number, tag } of vectors.tags) {
        const key = priceTagKey(crypto, sharedKey, epoch);
        assert.equal(toHex(priceTag(crypto, key, identity, number)), tag, `epoch ${epoch}, interval ${number}`);
      }
    });

    it(`are the same for the service provider and the consumer (${crypto.name})`, () => {
      const asProvider = sharedLinkKey(crypto, fromHex(price.secretKey), fromHex(vectors.consumerPublicKey));
      const asConsumer = sharedLinkKey(crypto, fromHex(vectors.consumerSecretKey), fromHex(price.publicKey));
      assert.equal(toHex(asProvider), vectors.sharedKey);
      assert.deepEqual(asConsumer, asProvider);
      assert.deepEqual(meterIdentity(crypto, fromHex(price.publicKey)), identity);
    });
  }

  it("begin with the paper's H(H1(sk_{SP,U_i}) ‖ ID_SP) and continue as its chain does", () => {
    const H = (message: Uint8Array): Uint8Array => sodiumCrypto.hmacSha256(sharedKey, prefix('H'), message);
    const key = priceTagKey(sodiumCrypto, sharedKey, 0);
    assert.deepEqual(priceTag(sodiumCrypto, key, identity, 1), H(identity));
    assert.deepEqual(priceTag(sodiumCrypto, key, identity, 3), H(H(H(identity))));
  });

  it('repeat neither in an epoch nor over epochs nor between consumers', () => {
    const other = sodiumCrypto.sha256(concatBytes(sharedKey, identity));
    const tags = [sharedKey, other].flatMap((shared) =>
      [0, 1, 2].flatMap((epoch) => {
        const key = priceTagKey(sodiumCrypto, shared, epoch);
        return [1, 2, 48].map((number) => toHex(priceTag(sodiumCrypto, key, identity, number)));
      }),
    );
    assert.equal(new Set(tags).size, tags.length);
  });
});
