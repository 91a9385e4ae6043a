// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { asciiBytes, concatBytes, fromHex, toHex } from './bytes.js';

const { Point } = ed25519;
type EdwardsPoint = ReturnType<typeof Point.fromBytes>;
const BASE = Point.BASE;
const L = Point.Fn.ORDER;
const FIELD = 2n ** 255n - 19n;
/** A point of order 8; its multiples are all points of small order. */
const T8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
const SMALL_ORDER = Array.from({ length: 8 }, (_, i) => T8.multiplyUnsafe(BigInt(i)));
const MESSAGE = asciiBytes('message');

function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

function challenge(r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint {
  return fromLittleEndian(sha512(concatBytes(r, a, message))) % L;
}

interface Forged {
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** What the challenge is modulo 8: it decides what the torsion of the key does to the equation. */
  readonly c: bigint;
}

/** Signs as the owner of scalar `a` may, with torsion added to key and nonce: A = a·B + torsionA, R = r·B + torsionR. */
function sign(torsionA: EdwardsPoint, torsionR: EdwardsPoint, nonce: bigint, a = 123_456_789n): Forged {
  const publicKey = BASE.multiplyUnsafe(a).add(torsionA).toBytes();
  const r = BASE.multiplyUnsafe(nonce).add(torsionR).toBytes();
  const c = challenge(r, publicKey, MESSAGE);
  return { signature: concatBytes(r, littleEndian((nonce + c * a) % L)), publicKey, message: MESSAGE, c: c % 8n };
}

/** The cofactored equation 8·(S·B − c·A − R) = 0, which both must not use. */
function cofactored({ signature, publicKey, message }: Forged): boolean {
  const r = Point.fromBytes(signature.subarray(0, 32), true);
  const a = Point.fromBytes(publicKey, true);
  const c = challenge(signature.subarray(0, 32), publicKey, message);
  const s = fromLittleEndian(signature.subarray(32));
  return BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(c)).subtract(r).isSmallOrder();
}

for (const crypto of BACK_ENDS) {
  const verify = ({ signature, publicKey, message }: Forged): boolean =>
    crypto.ed25519Verify(signature, message, publicKey);

  describe(`strict verification of ${crypto.name}`, () => {
    it('is cofactorless: a torsion part in key or nonce must cancel', () => {
      const outcomes = { accepted: 0, refused: 0 };
      for (const i of [0, 1, 2, 4]) {
        for (const j of [0, 1, 4, 7]) {
          for (let nonce = 1n; nonce <= 12n; nonce++) {
            const forged = sign(SMALL_ORDER[i]!, SMALL_ORDER[j]!, 1000n + nonce);
            assert.ok(cofactored(forged), 'every one of them holds under the cofactored equation');
            // S·B − c·A = R needs −c·torsionA = torsionR.
            const cancels = (BigInt(i) * forged.c + BigInt(j)) % 8n === 0n;
            assert.equal(verify(forged), cancels, `torsion ${i} in A, ${j} in R, c = ${forged.c} mod 8`);
            outcomes[cancels ? 'accepted' : 'refused']++;
          }
        }
      }
      assert.ok(outcomes.accepted > 20 && outcomes.refused > 20, 'both outcomes were seen');
    });

    it('knows keys of prime order', () => {
      for (const [i, torsion] of SMALL_ORDER.entries()) {
        assert.equal(crypto.ed25519IsPrimeOrder(BASE.multiplyUnsafe(5n).add(torsion).toBytes()), i === 0);
        assert.equal(crypto.ed25519IsPrimeOrder(torsion.toBytes()), false, 'no point of small order');
      }
    });

    it('refuses points of small order as key', () => {
      for (const small of SMALL_ORDER) {
        // With A of order n, S = r fits whenever c·A = 0, so a signature that fits is soon found.
        for (let nonce = 1n; nonce <= 16n; nonce++) {
          const publicKey = small.toBytes();
          const r = BASE.multiplyUnsafe(nonce).toBytes();
          assert.equal(
            verify({ signature: concatBytes(r, littleEndian(nonce)), publicKey, message: MESSAGE, c: 0n }),
            false,
          );
        }
      }
    });

    it('refuses points of small order as R', () => {
      const a = 99n;
      const publicKey = BASE.multiplyUnsafe(a).toBytes();
      for (const small of SMALL_ORDER) {
        const r = small.toBytes();
        const c = challenge(r, publicKey, MESSAGE);
        const signature = concatBytes(r, littleEndian((c * a) % L));
        assert.ok(cofactored({ signature, publicKey, message: MESSAGE, c }));
        assert.equal(verify({ signature, publicKey, message: MESSAGE, c }), false);
      }
    });

    it('refuses S + L', () => {
      const { signature, publicKey, message, c } = sign(Point.ZERO, Point.ZERO, 77n);
      const s = fromLittleEndian(signature.subarray(32));
      for (const other of [s + L, s + 2n * L, L, 2n ** 256n - 1n]) {
        const changed = concatBytes(signature.subarray(0, 32), littleEndian(other));
        assert.equal(verify({ signature: changed, publicKey, message, c }), false);
      }
      assert.ok(verify({ signature, publicKey, message, c }));
    });

    it('refuses second spellings of a point', () => {
      // y + p fits 255 bits only for y < 19; x = 0 has a spelling with the sign bit. All points that have one:
      const spellings: Uint8Array[] = [];
      for (let y = 0n; y < 19n; y++) {
        for (const sign of [0n, 1n << 255n]) {
          spellings.push(littleEndian((y + FIELD) | sign));
        }
      }
      spellings.push(littleEndian(1n | (1n << 255n)), littleEndian((FIELD - 1n) | (1n << 255n)));
      for (const spelling of spellings) {
        assert.equal(crypto.ed25519IsPrimeOrder(spelling), false, toHex(spelling));
        for (let nonce = 1n; nonce <= 8n; nonce++) {
          const r = BASE.multiplyUnsafe(nonce).toBytes();
          assert.equal(
            verify({ signature: concatBytes(r, littleEndian(nonce)), publicKey: spelling, message: MESSAGE, c: 0n }),
            false,
            toHex(spelling),
          );
        }
        const publicKey = BASE.multiplyUnsafe(9n).toBytes();
        const c = challenge(spelling, publicKey, MESSAGE);
        const signature = concatBytes(spelling, littleEndian((c * 9n) % L));
        assert.equal(verify({ signature, publicKey, message: MESSAGE, c }), false, `R = ${toHex(spelling)}`);
      }
    });

    it('refuses bytes that are not a point', () => {
      const noPoint = fromHex('0200000000000000000000000000000000000000000000000000000000000000');
      assert.throws(() => Point.fromBytes(noPoint, true));
      assert.equal(crypto.ed25519IsPrimeOrder(noPoint), false);
      assert.equal(crypto.ed25519Verify(new Uint8Array(64), MESSAGE, noPoint), false);
    });
  });
}

describe('X25519 points of small order', () => {
  /** All u with 8·u = 0 on the curve or its twist, and their second spellings; RFC 7748, 6.1 wants a zero check. */
  const SMALL = [
    0n,
    1n,
    325606250916557431795983626356110631294008115727848805560023387167927233504n,
    39382357235489614581723060781553021112529911719440698176882885853963445705823n,
    FIELD - 1n,
    FIELD,
    FIELD + 1n,
  ];
  for (const crypto of BACK_ENDS) {
    it(`are refused by ${crypto.name}`, () => {
      for (const u of SMALL) {
        for (const topBit of [0n, 1n << 255n]) {
          assert.throws(() => crypto.x25519(littleEndian(12345n), littleEndian(u | topBit)), {
            code: 'ZERO_SHARED_SECRET',
          });
        }
      }
      assert.doesNotThrow(() => crypto.x25519(littleEndian(12345n), littleEndian(9n)));
    });
  }
});
