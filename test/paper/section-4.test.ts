// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { asciiBytes, concatBytes, toHex } from '../../protocol/crypto/bytes.js';
import { ggmDescend } from '../../protocol/crypto/ggm.js';
import { prefix } from '../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';

// The paper's section 4 in its own letters: first with numbers that fit on a sheet of paper, which hide nothing, and
// then the same statement about what Gridveil uses.

// ── a group G of prime order q with a generator g: the squares modulo 23 ──

const p = 23; // 2 · 11 + 1
const q = 11;
const g = 2;

/** base^exponent in the group, by multiplying on and on. */
function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) {
    result = (result * base) % p;
  }
  return result;
}

/** The number from 0 to q − 1 that is congruent to n. */
const modQ = (n: number): number => ((n % q) + q) % q;

// ── a length-doubling generator G: 4 bits become 8 ──

/** The first and second half of G(k), for k from 0 to 15. */
const G_0 = (k: number): number => (5 * k + 3) % 16;
const G_1 = (k: number): number => (7 * k + 5) % 16;

/** f_k(x) = G_{x_0}(G_{x_1}(… G_{x_{m-1}}(k))), with (x_{m-1} … x_0) the binary digits of x: the highest bit first. */
function f(k: number, x: string): number {
  let node = k;
  for (const bit of x) {
    node = bit === '0' ? G_0(node) : G_1(node);
  }
  return node;
}

describe('Section 4, with numbers that a person can follow', () => {
  describe('Definition 1, the pseudorandom generator G: {0,1}^n → {0,1}^m with m > n', () => {
    it('gives more than it takes, and the same for the same', () => {
      assert.equal(G_0(6), 1); // 5 · 6 + 3 = 33 = 2 · 16 + 1
      assert.equal(G_1(6), 15); // 7 · 6 + 5 = 47 = 2 · 16 + 15
    });

    it('is SHA-512 here: 32 bytes become 64, and one other bit of the seed changes about half of them', () => {
      const G = (seed: Uint8Array): Uint8Array => sodiumCrypto.sha512(concatBytes(prefix('G'), seed));
      const seed = new Uint8Array(32);
      assert.equal(G(seed).length, 2 * seed.length);
      assert.deepEqual(G(seed), G(new Uint8Array(32)));
      const other = G(seed.with(0, 1));
      const changed = G(seed).reduce((bits, byte, i) => bits + bitsOf(byte ^ other[i]!), 0);
      assert.ok(changed > 200 && changed < 312, `${changed} of 512 bits`);
    });
  });

  describe('Definitions 2 and 3, the pseudorandom function f of Goldreich, Goldwasser and Micali', () => {
    it('walks from the key down a tree, a bit of x at each step (Figure 2, four levels)', () => {
      const k = 6;
      // x = 7 is 0111: left, right, right, right.
      assert.equal(G_0(6), 1);
      assert.equal(G_1(1), 12);
      assert.equal(G_1(12), 9); // 7 · 12 + 5 = 89 = 5 · 16 + 9
      assert.equal(G_1(9), 4); // 7 · 9 + 5 = 68 = 4 · 16 + 4
      assert.equal(f(k, '0111'), 4);
    });

    it('gives neighbours of a message key nothing: they share a way, and leave it at another node', () => {
      // 0110 and 0111 part at the last step, below 9: whoever has G_1(9) does not have G_0(9).
      assert.equal(f(6, '011'), 9);
      assert.equal(f(6, '0110'), G_0(f(6, '011')));
      assert.equal(f(6, '0111'), G_1(f(6, '011')));
      assert.notEqual(f(6, '0110'), f(6, '0111'));
    });

    it('is the same walk here, with SHA-512 for G: f_K(000111) takes G_0 three times and then G_1 three times', () => {
      const K = sodiumCrypto.sha256(asciiBytes('K_i'));
      const half = (bit: number, node: Uint8Array): Uint8Array =>
        sodiumCrypto.sha512(concatBytes(prefix('G'), node)).slice(32 * bit, 32 * bit + 32);
      const by = [0, 0, 0, 1, 1, 1].reduce((node: Uint8Array, bit) => half(bit, node), K);
      assert.deepEqual(ggmDescend(sodiumCrypto, K, 0b000111, 6), by);
    });
  });

  describe('Definition 4, computational Diffie-Hellman', () => {
    const a = 3;
    const b = 7;

    it('both sides compute g^{ab}', () => {
      assert.equal(power(g, a), 8);
      assert.equal(power(g, b), 13); // 128 = 5 · 23 + 13
      assert.equal(power(power(g, b), a), 12); // 13³ = 2197 = 95 · 23 + 12
      assert.equal(power(power(g, a), b), 12); // 8⁷ = 2097152 = 91180 · 23 + 12
    });

    it('in a group of 11 anyone finds a by trying; in ours there are 2^252 to try', () => {
      const found = Array.from({ length: q }, (_, exponent) => exponent).find((x) => power(g, x) === power(g, a));
      assert.equal(found, a);
    });

    it('is X25519 here: sk_{i,CC} is the same for the meter and the control center', () => {
      const [sk_i, sk_CC] = ['sk_i', 'sk_CC'].map((name) => sodiumCrypto.sha256(asciiBytes(name)));
      const [pk_i, pk_CC] = [sk_i!, sk_CC!].map((secretKey) => sodiumCrypto.x25519PublicKey(secretKey));
      assert.deepEqual(sodiumCrypto.x25519(sk_i!, pk_CC!), sodiumCrypto.x25519(sk_CC!, pk_i!));
    });
  });

  describe('Definition 5, the Schnorr signature', () => {
    /** A hash that a person can compute, and can break: letters are 1 to 26, their sum and R modulo q. */
    const H = (msg: string, R: number): number =>
      modQ(Array.from(msg).reduce((sum, letter) => sum + letter.charCodeAt(0) - 96, R));
    const z = 4;
    const Z = power(g, z);

    const sigSign = (msg: string, r: number, key = z): { y: number; R: number } => {
      const R = power(g, r);
      return { y: modQ(r + key * H(msg, R)), R };
    };
    const sigVerify = (msg: string, { y, R }: { y: number; R: number }, publicKey = Z): boolean =>
      power(g, y) === (R * power(publicKey, H(msg, R))) % p;

    it('sigKeyGen, sigSign, sigVerify', () => {
      assert.equal(Z, 16); // 2⁴
      const rho = sigSign('kwh', 6);
      assert.equal(rho.R, 18); // 2⁶ = 64 = 2 · 23 + 18
      assert.equal(H('kwh', 18), 5); // 11 + 23 + 8 + 18 = 60 = 5 · 11 + 5
      assert.equal(rho.y, 4); // 6 + 4 · 5 = 26 = 2 · 11 + 4
      assert.equal(power(g, 4), 16);
      assert.equal((18 * power(16, 5)) % p, 16); // 16⁵ = 6, and 18 · 6 = 108 = 4 · 23 + 16
      assert.ok(sigVerify('kwh', rho));
    });

    it('does not fit another message, and y + 1 does not fit', () => {
      const rho = sigSign('kwh', 6);
      assert.ok(!sigVerify('kwi', rho));
      assert.ok(!sigVerify('kwh', { ...rho, y: modQ(rho.y + 1) }));
    });

    it('gives z away when an r is used for two messages: so ours are deterministic', () => {
      const first = sigSign('kwh', 6);
      const second = sigSign('off', 6);
      const c = modQ(H('kwh', first.R) - H('off', second.R));
      const inverse = Array.from({ length: q }, (_, x) => x).find((x) => modQ(x * c) === 1)!;
      assert.equal(modQ((first.y - second.y) * inverse), z);
      const key = sodiumCrypto.ed25519Key(new Uint8Array(32));
      assert.deepEqual(key.sign(asciiBytes('kwh')), key.sign(asciiBytes('kwh')));
    });

    it("with the paper's c = H(msg ‖ R) a signature under Z becomes one under Z·g^d: so ours hashes the key too", () => {
      const { y, R } = sigSign('kwh', 6);
      const d = 3;
      const related = (Z * power(g, d)) % p;
      const moved = { y: modQ(y + d * H('kwh', R)), R };
      assert.ok(sigVerify('kwh', moved, related));
      // The same with c = H(msg ‖ R ‖ Z), as in Ed25519: the challenge under the other key is another one.
      const bound = (publicKey: number): number => modQ(H('kwh', R) + publicKey);
      assert.notEqual(bound(related), bound(Z));
      const movedBound = modQ(modQ(6 + z * bound(Z)) + d * bound(Z));
      assert.notEqual(power(g, movedBound), (R * power(related, bound(related))) % p);
    });

    it('is Ed25519 here: R ‖ y in 64 bytes, one of which changed fits no more', () => {
      const key = sodiumCrypto.ed25519Key(sodiumCrypto.sha256(asciiBytes('f_K(000001)')));
      const msg = asciiBytes('00 OCD_j A T c');
      const signature = key.sign(msg);
      assert.equal(signature.length, 64);
      assert.ok(sodiumCrypto.ed25519Verify(signature, msg, key.publicKey));
      for (let i = 0; i < signature.length; i++) {
        assert.ok(
          !sodiumCrypto.ed25519Verify(signature.with(i, signature[i]! ^ 1), msg, key.publicKey),
          toHex(signature),
        );
      }
    });
  });
});

function bitsOf(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}
