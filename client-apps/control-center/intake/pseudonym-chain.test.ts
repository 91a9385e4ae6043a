// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { sodiumCrypto as crypto } from '../../../protocol/crypto/sodium.js';
import { chainPseudonyms } from '../../../protocol/identity/pseudonym.js';
import { MAXIMUM_FORWARD_JUMP, PseudonymChain } from './pseudonym-chain.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

describe('client-apps/control-center/intake/pseudonym-chain', () => {
  const key = random(32);
  const identity = random(32);
  const pseudonym = (k: number): Uint8Array => chainPseudonyms.advance(crypto, key, identity, k);

  it('derives from the nearest known message, forward and between', () => {
    const chain = PseudonymChain.start(identity);
    assert.deepEqual(chain.previous(chainPseudonyms, key, 1), identity);
    assert.deepEqual(chain.previous(chainPseudonyms, key, 10), pseudonym(9));
    chain.take(10, pseudonym(10));
    assert.deepEqual(chain.previous(chainPseudonyms, key, 4), pseudonym(3));
    assert.deepEqual(chain.previous(chainPseudonyms, key, 11), pseudonym(10));
    assert.deepEqual(chain.taken(10), pseudonym(10));
    assert.equal(chain.taken(4), undefined);
  });

  it('keeps its base over a restart and erases earlier points', () => {
    const chain = PseudonymChain.start(identity);
    chain.take(5, pseudonym(5));
    chain.take(7, pseudonym(7));
    chain.moveBase(5);
    const restored = PseudonymChain.fromBytes(chain.toBytes());
    for (const one of [chain, restored]) {
      assert.equal(one.previous(chainPseudonyms, key, 5), undefined);
      assert.deepEqual(one.previous(chainPseudonyms, key, 6), pseudonym(5));
    }
    assert.deepEqual(chain.taken(7), pseudonym(7), 'a later interval’s row is not forgotten');
  });

  it('bounds the jump from the newest message', () => {
    const chain = PseudonymChain.start(identity);
    assert.ok(chain.previous(chainPseudonyms, key, MAXIMUM_FORWARD_JUMP) !== undefined);
    assert.equal(chain.previous(chainPseudonyms, key, MAXIMUM_FORWARD_JUMP + 1), undefined);
    assert.equal(chain.previous(chainPseudonyms, key, 0), undefined);
  });
});
