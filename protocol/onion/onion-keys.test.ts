// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sodiumCrypto as crypto } from '../crypto/sodium.js';
import { ProtocolError } from '../errors.js';
import { OnionKeys } from './onion-keys.js';
import { fixedSecret } from '../../test/support/onion.js';

const erased = (error: unknown): boolean => error instanceof ProtocolError && error.code === 'EPOCH_ERASED';

describe('onion keys', () => {
  it('are the same from the first epoch as from a later one', () => {
    const keys = OnionKeys.first(crypto, 2, fixedSecret('onion'));
    const before = [2, 3, 9].map((epoch) => keys.key(epoch));
    assert.deepEqual(keys.key(3), before[1]);
    assert.deepEqual(before[1]!.publicKey, crypto.x25519PublicKey(before[1]!.secretKey));
    const restored = OnionKeys.fromBytes(crypto, keys.toBytes());
    restored.forgetBefore(3);
    assert.deepEqual(restored.key(3), before[1]);
    assert.deepEqual(restored.key(9), before[2]);
    assert.deepEqual(restored.replayKey(9), keys.replayKey(9));
    assert.notDeepEqual(keys.replayKey(9), keys.replayKey(3));
    assert.notDeepEqual(keys.replayKey(9), keys.key(9).secretKey);
  });

  it('are gone once they are erased, also from what is stored', () => {
    const keys = OnionKeys.first(crypto, 2, fixedSecret('onion'));
    keys.forgetBefore(4);
    keys.forgetBefore(3);
    assert.throws(() => keys.key(3), erased);
    assert.throws(() => keys.replayKey(3), erased);
    assert.throws(() => OnionKeys.fromBytes(crypto, keys.toBytes()).key(3), erased);
    assert.throws(() => OnionKeys.first(crypto, 2, fixedSecret('onion')).key(1), erased);
    assert.throws(() => OnionKeys.fromBytes(crypto, keys.toBytes().subarray(1)), ProtocolError);
  });
});
