// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { fromHex, toHex } from '../crypto/bytes.js';
import type { ProtocolError } from '../errors.js';
import { requirePublicKey } from './meter-identity.js';

/** Every spelling of a point of small order on the curve or its twist (libsodium's list), with its sign bit clear. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(fromHex);

describe('public key that another party announces', () => {
  for (const crypto of BACK_ENDS) {
    const secret = crypto.sha256();

    it(`is refused exactly where X25519 refuses it, and in a second spelling (${crypto.name})`, () => {
      for (const point of SMALL_ORDER) {
        assert.throws(() => crypto.x25519(secret, point), { code: 'ZERO_SHARED_SECRET' });
        const codes = [point, point.with(31, point[31]! | 0x80)].map((key) => {
          try {
            requirePublicKey(key);
            return;
          } catch (error) {
            return (error as ProtocolError).code;
          }
        });
        const isCanonical = point[31] !== 0x7f || point[0] === 0xec;
        assert.deepEqual(codes, [isCanonical ? 'ZERO_SHARED_SECRET' : 'NON_CANONICAL', 'NON_CANONICAL'], toHex(point));
        for (const neighbour of [point.with(0, point[0]! ^ 8), point.with(16, point[16]! ^ 8)].filter(
          (key) => key[31]! < 0x7f,
        )) {
          requirePublicKey(neighbour);
          crypto.x25519(secret, neighbour);
        }
      }
      assert.throws(() => requirePublicKey(new Uint8Array(31)), { code: 'BAD_LENGTH' });
    });
  }
});
