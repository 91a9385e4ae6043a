// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { fromHex } from './bytes.js';
import { nobleCrypto } from './noble.js';
import { sodiumCrypto } from './sodium.js';
import { isX25519PublicKey } from './x25519-key.js';

const P = 2n ** 255n - 19n;
const littleEndian = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(64, '0')).reverse();
const SECRET = new Uint8Array(32).fill(7);

/** RFC 7748, section 7: points of order 1, 2, 4 and 8 of the curve and of its twist. */
const SMALL_ORDER = [
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];

describe('X25519 public key', () => {
  it('is refused when it has small order, in each spelling, as both back ends refuse to agree with it', () => {
    for (const value of SMALL_ORDER) {
      for (const spelling of [value, value + 2n ** 255n, ...(value < 19n ? [value + P] : [])]) {
        const key = littleEndian(spelling);
        assert.equal(isX25519PublicKey(key), false);
        for (const crypto of [sodiumCrypto, nobleCrypto]) {
          assert.throws(() => crypto.x25519(SECRET, key), { code: 'ZERO_SHARED_SECRET' });
        }
      }
    }
  });

  it('is refused in a second spelling, which gives the same secret', () => {
    const nine = littleEndian(9n);
    for (const spelling of [9n + P, 9n + 2n ** 255n]) {
      const key = littleEndian(spelling);
      assert.deepEqual(sodiumCrypto.x25519(SECRET, key), sodiumCrypto.x25519(SECRET, nine));
      assert.equal(isX25519PublicKey(key), false);
    }
  });

  it('is accepted in its canonical spelling, to the last value below p', () => {
    for (const value of [2n, 9n, 2n ** 254n, P - 2n, 0x7fn << 248n]) {
      assert.equal(isX25519PublicKey(littleEndian(value)), true);
    }
    for (let seed = 0; seed < 50; seed++) {
      assert.equal(isX25519PublicKey(sodiumCrypto.x25519PublicKey(new Uint8Array(32).fill(seed))), true);
    }
    assert.equal(isX25519PublicKey(new Uint8Array(31).fill(9)), false);
  });
});
