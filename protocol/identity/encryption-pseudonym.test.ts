// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import fc from 'fast-check';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { fromHex, readUint16, readUint32, toHex } from '../crypto/bytes.js';
import { mac } from '../crypto/hash.js';
import { nobleCrypto } from '../crypto/noble.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { encryptionPseudonyms } from './encryption-pseudonym.js';
import type { PseudonymSource } from './pseudonym-scheme.js';

interface EncryptionVectors {
  readonly identity: string;
  readonly linkKeys: readonly string[];
  readonly encryptionPseudonyms: readonly {
    readonly epoch: number;
    readonly meterNumber: number;
    readonly k: number;
    readonly pseudonym: string;
  }[];
}

const vectors = frozenVectors<EncryptionVectors>('pseudonym');
const identity = fromHex(vectors.identity);
const linkKeys = vectors.linkKeys.map(fromHex);

const source = (meterNumber: number, k: number, linkKey = linkKeys[0]!): PseudonymSource => ({
  linkKey,
  identity,
  meterNumber,
  k,
  previous: identity,
});
const derive = (meterNumber: number, k: number, linkKey?: Uint8Array): Uint8Array =>
  encryptionPseudonyms.derive(sodiumCrypto, source(meterNumber, k, linkKey));

describe('pseudonyms by encryption (Remark 4)', () => {
  for (const crypto of BACK_ENDS) {
    it(`match the frozen vectors (${crypto.name})`, () => {
      for (const { epoch, meterNumber, k, pseudonym } of vectors.encryptionPseudonyms) {
        const made = encryptionPseudonyms.derive(crypto, source(meterNumber, k, linkKeys[epoch]));
        assert.equal(toHex(made), pseudonym, `epoch ${epoch}, meter ${meterNumber}, k ${k}`);
      }
    });
  }

  it('are the same on both back ends', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(key, fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 65_535 }), (linkKey, meterNumber, k) => {
        const message = source(meterNumber, k, linkKey);
        assert.deepEqual(
          encryptionPseudonyms.derive(sodiumCrypto, message),
          encryptionPseudonyms.derive(nobleCrypto, message),
        );
      }),
    );
  });

  it('open to meter number and k under the key of that meter and epoch, and to nothing under another', () => {
    const decrypt = (linkKey: Uint8Array, pseudonym: Uint8Array): Uint8Array => {
      const key = mac(sodiumCrypto, 'pseudonym', linkKey).subarray(16);
      const decipher = createDecipheriv('aes-128-cbc', key, pseudonym.subarray(0, 16)).setAutoPadding(false);
      return new Uint8Array(decipher.update(pseudonym.subarray(16)));
    };
    const padding = new Uint8Array(10);
    const opened = decrypt(linkKeys[0]!, derive(4_711, 815));
    assert.deepEqual([readUint32(opened, 0), readUint16(opened, 4)], [4_711, 815]);
    assert.deepEqual(opened.subarray(6), padding);
    for (const other of linkKeys.slice(1)) {
      assert.notDeepEqual(decrypt(other, derive(4_711, 815)).subarray(6), padding);
    }
  });

  it('are another 32 bytes for another meter, k or key, in the nonce as in the block', () => {
    const made = [derive(7, 1), derive(7, 2), derive(8, 1), derive(7, 1, linkKeys[1])];
    for (const half of [(a: Uint8Array) => a.subarray(0, 16), (a: Uint8Array) => a.subarray(16)]) {
      assert.equal(new Set(made.map(half).map(toHex)).size, made.length);
    }
  });

  it('never repeat a nonce within an epoch', () => {
    const nonces = new Set<string>();
    for (let k = 1; k <= 5_000; k++) {
      nonces.add(toHex(derive(7, k).subarray(0, 16)));
    }
    assert.equal(nonces.size, 5_000);
  });

  it('cannot be turned into one another by an observer: another nonce needs another block', () => {
    const [first, second] = [derive(7, 1), derive(7, 2)];
    const swapped = new Uint8Array(32);
    swapped.set(second.subarray(0, 16));
    swapped.set(first.subarray(16), 16);
    // What plain CBC would take for message 2: the nonce XOR (k = 1 XOR k = 2), the same block.
    const shifted = first.slice();
    shifted[5]! ^= 1 ^ 2;
    const valid = new Set(Array.from({ length: 65_535 }, (_, i) => toHex(derive(7, i + 1))));
    assert.ok(valid.has(toHex(first)) && valid.has(toHex(second)));
    assert.ok(!valid.has(toHex(swapped)) && !valid.has(toHex(shifted)));
  }).timeout(30_000);

  it('need no pseudonym before them, however many messages were lost', () => {
    const message = {
      ...source(7, 60_000),
      previous: encryptionPseudonyms.advance(sodiumCrypto, identity, identity, 59_999),
    };
    assert.deepEqual(encryptionPseudonyms.derive(sodiumCrypto, message), derive(7, 60_000));
    assert.equal(message.previous.length, 32);
  });

  it('refuse k and meter numbers outside their range', () => {
    for (const k of [0, 65_536, 1.5]) {
      assert.throws(() => derive(7, k), { code: 'K_RANGE' });
    }
    for (const number of [-1, 2 ** 32, 0.5]) {
      assert.throws(() => derive(number, 1), { code: 'LIMIT_EXCEEDED' });
    }
  });
});
