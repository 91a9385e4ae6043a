// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { fromHex, toHex } from '../crypto/bytes.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { meterIdentity, ratchetTo, sharedLinkKey } from './meter-identity.js';
import { chainPseudonyms, pricePseudonym, pricePseudonymCommitment } from './pseudonym.js';
import type { PseudonymSource } from './pseudonym-scheme.js';

interface PseudonymVectors {
  readonly secretKey: string;
  readonly publicKey: string;
  readonly controlCenterSecretKey: string;
  readonly controlCenterPublicKey: string;
  readonly identity: string;
  /** h_0, h_1, … */
  readonly linkKeys: readonly string[];
  readonly pseudonyms: readonly { readonly epoch: number; readonly k: number; readonly pseudonym: string }[];
  readonly encryptionPseudonyms: readonly {
    readonly epoch: number;
    readonly meterNumber: number;
    readonly k: number;
    readonly pseudonym: string;
  }[];
  readonly price: Readonly<
    Record<'secretKey' | 'publicKey' | 'identity' | 'key' | 'ledgerId' | 'pseudonym' | 'commitment', string>
  >;
}

const vectors = frozenVectors<PseudonymVectors>('pseudonym');
const identity = fromHex(vectors.identity);
const linkKey = fromHex(vectors.linkKeys[0]!);

const source = (k: number, previous: Uint8Array): PseudonymSource => ({
  linkKey,
  identity,
  meterNumber: 7,
  k,
  previous,
});

describe('meter identity and pseudonyms', () => {
  for (const crypto of BACK_ENDS) {
    it(`match the frozen vectors (${crypto.name})`, () => {
      const publicKey = crypto.x25519PublicKey(fromHex(vectors.secretKey));
      assert.equal(toHex(publicKey), vectors.publicKey);
      assert.equal(toHex(meterIdentity(crypto, publicKey)), vectors.identity);
      const h0 = sharedLinkKey(crypto, fromHex(vectors.secretKey), fromHex(vectors.controlCenterPublicKey));
      assert.deepEqual(sharedLinkKey(crypto, fromHex(vectors.controlCenterSecretKey), publicKey), h0);
      vectors.linkKeys.forEach((expected, epoch) => assert.equal(toHex(ratchetTo(crypto, h0, 0, epoch)), expected));

      let previous = identity;
      for (const { epoch, k, pseudonym } of vectors.pseudonyms) {
        if (k === 1) {
          previous = identity;
        }
        const epochKey = fromHex(vectors.linkKeys[epoch]!);
        previous = chainPseudonyms.derive(crypto, { ...source(k, previous), linkKey: epochKey });
        assert.equal(toHex(previous), pseudonym, `epoch ${epoch}, k ${k}`);
      }
    });

    it(`price pseudonym matches the frozen vectors (${crypto.name})`, () => {
      const { price } = vectors;
      const key = sharedLinkKey(crypto, fromHex(price.secretKey), fromHex(vectors.controlCenterPublicKey));
      const id = meterIdentity(crypto, fromHex(price.publicKey));
      assert.equal(toHex(key), price.key);
      assert.equal(toHex(id), price.identity);
      assert.equal(toHex(pricePseudonym(crypto, key, id, fromHex(price.ledgerId))), price.pseudonym);
      assert.equal(toHex(pricePseudonymCommitment(crypto, id, key)), price.commitment);
    });
  }

  it('the ratchet continues from any epoch, never back, and leaves the old key to its owner', () => {
    const older = linkKey.slice();
    const h2 = ratchetTo(sodiumCrypto, linkKey, 0, 2);
    assert.deepEqual(linkKey, older);
    assert.deepEqual(ratchetTo(sodiumCrypto, h2, 2, 3), fromHex(vectors.linkKeys[3]!));
    assert.deepEqual(ratchetTo(sodiumCrypto, h2, 2, 2), h2);
    assert.throws(() => ratchetTo(sodiumCrypto, h2, 2, 1), { code: 'EPOCH_ERASED' });
    assert.throws(() => ratchetTo(sodiumCrypto, h2, 2, 65_536), { code: 'EPOCH_RANGE' });
  });

  it('the first pseudonym of an epoch starts from the identity, whatever `previous` says', () => {
    const first = chainPseudonyms.derive(sodiumCrypto, source(1, identity));
    assert.deepEqual(chainPseudonyms.derive(sodiumCrypto, source(1, first)), first);
  });

  it('advance skips messages', () => {
    const chain = [identity];
    for (let k = 1; k <= 5; k++) {
      chain.push(chainPseudonyms.derive(sodiumCrypto, source(k, chain[k - 1]!)));
    }
    for (let from = 0; from <= 5; from++) {
      for (let to = from; to <= 5; to++) {
        assert.deepEqual(chainPseudonyms.advance(sodiumCrypto, linkKey, chain[from]!, to - from), chain[to]);
      }
    }
  });

  it('refuses k outside its range', () => {
    for (const k of [0, 65_536, 1.5]) {
      assert.throws(() => chainPseudonyms.derive(sodiumCrypto, source(k, identity)), { code: 'K_RANGE' });
    }
  });

  it('refuses a link with a key of small order', () =>
    assert.throws(() => sharedLinkKey(sodiumCrypto, linkKey, new Uint8Array(32)), { code: 'ZERO_SHARED_SECRET' }));
});
