// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { ProtocolError } from '../errors.js';
import { concatBytes } from './bytes.js';
import type { Crypto } from './crypto.js';
import { nobleCrypto } from './noble.js';
import { sodiumCrypto } from './sodium.js';

const { Point } = ed25519;
const T8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');

/** What an operation gives, or the code with which it is refused; any other error fails the test. */
function outcome(crypto: Crypto, operation: (crypto: Crypto) => unknown): unknown {
  try {
    return operation(crypto);
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    return error.code;
  }
}

function agree(operation: (crypto: Crypto) => unknown): void {
  assert.deepEqual(outcome(sodiumCrypto, operation), outcome(nobleCrypto, operation));
}

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Mostly the right length, sometimes not. */
const about = (length: number) =>
  fc.oneof({ weight: 9, arbitrary: exactly(length) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 70 }) });
const data = fc.uint8Array({ maxLength: 300 });

/** Points that strict and lax verifiers treat differently: with torsion, of small order, in second spellings. */
const trickyPoint = fc.oneof(
  exactly(32),
  fc
    .tuple(fc.bigInt(0n, 50n), fc.bigInt(0n, 7n))
    .map(([n, t]) => Point.BASE.multiplyUnsafe(n).add(T8.multiplyUnsafe(t)).toBytes()),
  fc.tuple(fc.nat(18), fc.boolean()).map(([low, sign]) => {
    const spelling = new Uint8Array(32).fill(0xff);
    spelling[0] = 0xed + low;
    spelling[31] = sign ? 0xff : 0x7f;
    return spelling;
  }),
);

describe('the two back ends agree on', function () {
  this.timeout(60_000);

  it('hashes and MACs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 140 }), fc.array(data, { maxLength: 4 }), (key, parts) => {
        agree((crypto) => crypto.sha256(...parts));
        agree((crypto) => crypto.sha512(concatBytes(...parts)));
        agree((crypto) => crypto.hmacSha256(key, ...parts));
      }),
    );
  });

  it('X25519', () => {
    fc.assert(
      fc.property(about(32), fc.oneof(about(32), trickyPoint), (secretKey, publicKey) => {
        agree((crypto) => crypto.x25519PublicKey(secretKey));
        agree((crypto) => crypto.x25519(secretKey, publicKey));
      }),
      { numRuns: 100 },
    );
  });

  it('signatures', () => {
    fc.assert(
      fc.property(about(32), data, (seed, message) => {
        agree((crypto) => crypto.ed25519Key(seed).publicKey);
        agree((crypto) => crypto.ed25519Key(seed).sign(message));
      }),
      { numRuns: 60 },
    );
  });

  it('verification of changed signatures', () => {
    const change = fc.tuple(fc.nat(97), fc.nat(7));
    fc.assert(
      fc.property(exactly(32), exactly(2), fc.array(change, { maxLength: 2 }), (seed, message, changes) => {
        const key = sodiumCrypto.ed25519Key(seed);
        const signed = concatBytes(key.sign(message), key.publicKey, message);
        for (const [byte, bit] of changes) {
          signed[byte]! ^= 1 << bit;
        }
        agree((crypto) => crypto.ed25519Verify(signed.subarray(0, 64), signed.subarray(96), signed.subarray(64, 96)));
      }),
      { numRuns: 150 },
    );
  });

  it('verification of tricky points, and their order', () => {
    fc.assert(
      fc.property(trickyPoint, trickyPoint, fc.oneof(about(32), fc.nat(50)), data, (a, r, s, message) => {
        const scalar = typeof s === 'number' ? new Uint8Array(32).fill(s, 0, 1) : s;
        agree((crypto) => crypto.ed25519Verify(concatBytes(r, scalar), message, a));
        agree((crypto) => crypto.ed25519IsPrimeOrder(a));
      }),
      { numRuns: 300 },
    );
  });

  it('AES-128', () => {
    fc.assert(
      fc.property(about(16), about(16), (key, block) => agree((crypto) => crypto.aes128EncryptBlock(key, block))),
    );
  });

  it('sealed data', () => {
    fc.assert(
      fc.property(fc.tuple(about(32), about(24), data), data, fc.nat(400), ([key, nonce, aad], plaintext, cut) => {
        const short = nonce.subarray(0, 12);
        agree((crypto) => crypto.chacha20Poly1305Seal({ key, nonce: short, aad }, plaintext));
        agree((crypto) => crypto.xchacha20Poly1305Seal({ key, nonce, aad }, plaintext));
        agree((crypto) => crypto.chacha20Poly1305Open({ key, nonce: short, aad }, plaintext));
        agree((crypto) => crypto.xchacha20Poly1305Open({ key, nonce, aad }, plaintext.subarray(0, cut)));
      }),
    );
  });
});
