// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { asciiBytes, fromHex, toHex } from './bytes.js';
import { hkdf } from './hash.js';
import { sipHash } from './sodium.js';

const ascii = asciiBytes;
const repeat = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);
const count = (from: number, to: number): Uint8Array => Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Literals from the RFCs, so that the primitives stand on them without any file. */
for (const crypto of BACK_ENDS) {
  describe(`primitives of ${crypto.name}`, () => {
    it('SHA-256 and SHA-512 of "abc" (FIPS 180-4)', () => {
      assert.equal(
        toHex(crypto.sha256(ascii('abc'))),
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
      assert.equal(
        toHex(crypto.sha512(ascii('abc'))),
        'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
          '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
      );
      assert.equal(
        toHex(crypto.sha256()),
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'no part at all',
      );
    });

    it('hashes parts as if they were joined, of any length', () => {
      for (const length of [0, 1, 63, 64, 191, 192, 193, 256, 257, 5000]) {
        const data = Uint8Array.from({ length }, (_, i) => i & 255);
        const cut = length >> 1;
        assert.deepEqual(crypto.sha256(data.subarray(0, cut), data.subarray(cut)), crypto.sha256(data));
        assert.deepEqual(
          crypto.hmacSha256(ascii('key'), data.subarray(0, cut), data.subarray(cut)),
          crypto.hmacSha256(ascii('key'), data),
        );
      }
    });

    it('SHA-512 into a given output', () => {
      const output = new Uint8Array(64);
      assert.equal(crypto.sha512(ascii('abc'), output), output);
      assert.deepEqual(output, crypto.sha512(ascii('abc')));
      assert.throws(() => crypto.sha512(ascii('abc'), new Uint8Array(63)), { code: 'BAD_LENGTH' });
    });

    it('HMAC-SHA-256 (RFC 4231, 4.2 to 4.8)', () => {
      const cases: [key: Uint8Array, data: Uint8Array, tag: string][] = [
        [repeat(0x0b, 20), ascii('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
        [
          ascii('Jefe'),
          ascii('what do ya want for nothing?'),
          '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
        ],
        [repeat(0xaa, 20), repeat(0xdd, 50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
        [count(1, 25), repeat(0xcd, 50), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
        [
          repeat(0xaa, 131),
          ascii('Test Using Larger Than Block-Size Key - Hash Key First'),
          '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
        ],
        [
          repeat(0xaa, 131),
          ascii(
            'This is a test using a larger than block-size key and a larger than block-size data. ' +
              'The key needs to be hashed before being used by the HMAC algorithm.',
          ),
          '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
        ],
      ];
      for (const [key, data, tag] of cases) {
        assert.equal(toHex(crypto.hmacSha256(key, data)), tag);
      }
      const truncated = crypto.hmacSha256(repeat(0x0c, 20), ascii('Test With Truncation'));
      assert.equal(toHex(truncated.subarray(0, 16)), 'a3b6167473100ee06e0c796c2955552b');
    });

    it('HKDF-SHA-256 (RFC 5869, A.1 to A.3)', () => {
      assert.equal(
        toHex(
          hkdf(crypto, { salt: count(0x00, 0x0c), inputKey: repeat(0x0b, 22), info: count(0xf0, 0xf9), length: 42 }),
        ),
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
      );
      assert.equal(
        toHex(
          hkdf(crypto, { salt: count(0x60, 0xaf), inputKey: count(0x00, 0x4f), info: count(0xb0, 0xff), length: 82 }),
        ),
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c' +
          '59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71' +
          'cc30c58179ec3e87c14c01d5c1f3434f1d87',
      );
      assert.equal(
        toHex(
          hkdf(crypto, { salt: new Uint8Array(0), inputKey: repeat(0x0b, 22), info: new Uint8Array(0), length: 42 }),
        ),
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
      );
      assert.throws(
        () =>
          hkdf(crypto, {
            salt: new Uint8Array(0),
            inputKey: repeat(0, 22),
            info: new Uint8Array(0),
            length: 255 * 32 + 1,
          }),
        {
          code: 'LIMIT_EXCEEDED',
        },
      );
    });

    it('X25519 (RFC 7748, 5.2 and 6.1)', () => {
      assert.equal(
        toHex(
          crypto.x25519(
            fromHex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
            fromHex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
          ),
        ),
        'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
      );
      assert.equal(
        toHex(
          crypto.x25519(
            fromHex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d'),
            fromHex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493'),
          ),
        ),
        '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
      );
      const alice = fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
      const alicePublic = fromHex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
      const bob = fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
      const bobPublic = fromHex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
      const shared = fromHex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
      assert.deepEqual(crypto.x25519PublicKey(alice), alicePublic);
      assert.deepEqual(crypto.x25519PublicKey(bob), bobPublic);
      assert.deepEqual(crypto.x25519(alice, bobPublic), shared);
      assert.deepEqual(crypto.x25519(bob, alicePublic), shared);
    });

    it('Ed25519 (RFC 8032, 7.1)', () => {
      const cases: [seed: string, publicKey: string, message: string, signature: string][] = [
        [
          '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
          'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
          '',
          'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
        ],
        [
          '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
          '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
          '72',
          '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
        ],
        [
          'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
          'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
          'af82',
          '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
        ],
        [
          '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
          'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
          'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
          'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
        ],
      ];
      for (const [seed, publicKey, message, signature] of cases) {
        const key = crypto.ed25519Key(fromHex(seed));
        assert.equal(toHex(key.publicKey), publicKey);
        assert.equal(toHex(key.sign(fromHex(message))), signature);
        assert.ok(crypto.ed25519Verify(fromHex(signature), fromHex(message), fromHex(publicKey)));
        assert.ok(!crypto.ed25519Verify(fromHex(signature), fromHex(`${message}00`), fromHex(publicKey)));
        assert.ok(crypto.ed25519IsPrimeOrder(key.publicKey));
      }
    });

    it('a wiped signing key signs nothing, and a key does not follow its seed', () => {
      const seed = repeat(7, 32);
      const key = crypto.ed25519Key(seed);
      const signature = key.sign(ascii('message'));
      seed.fill(0);
      assert.deepEqual(key.sign(ascii('message')), signature);
      key.publicKey.fill(0);
      assert.deepEqual(key.sign(ascii('message')), signature, 'the challenge uses the true public key');
      key.wipe();
      assert.throws(() => key.sign(ascii('message')), { code: 'BAD_LENGTH' });
    });

    it('ChaCha20-Poly1305 (RFC 8439, 2.8.2)', () => {
      const aad = fromHex('50515253c0c1c2c3c4c5c6c7');
      const nonce = fromHex('070000004041424344454647');
      const sealed = crypto.chacha20Poly1305Seal({ key: count(0x80, 0x9f), nonce, aad }, ascii(SUNSCREEN));
      assert.equal(
        toHex(sealed),
        'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6' +
          '3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36' +
          '92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
          '3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
      );
      assert.deepEqual(crypto.chacha20Poly1305Open({ key: count(0x80, 0x9f), nonce, aad }, sealed), ascii(SUNSCREEN));
    });

    it('opens a box into memory of the caller, of exactly its length', () => {
      const [key, nonce, aad] = [repeat(1, 32), repeat(2, 12), ascii('aad')];
      const sealed = crypto.chacha20Poly1305Seal({ key, nonce, aad }, ascii('plaintext'));
      const output = repeat(3, 9);
      assert.equal(crypto.chacha20Poly1305Open({ key, nonce, aad }, sealed, output), output);
      assert.deepEqual(output, ascii('plaintext'));
      for (const length of [0, 8, 10]) {
        assert.throws(() => crypto.chacha20Poly1305Open({ key, nonce, aad }, sealed, repeat(3, length)), {
          code: 'BAD_LENGTH',
        });
      }
    });

    it('seals a box into memory of the caller, over the plaintext too', () => {
      const [key, nonce, aad, plaintext] = [repeat(1, 32), repeat(2, 12), ascii('aad'), repeat(7, 200)];
      const sealed = crypto.chacha20Poly1305Seal({ key, nonce, aad }, plaintext);
      const output = repeat(3, 216);
      assert.equal(crypto.chacha20Poly1305Seal({ key, nonce, aad }, plaintext, output), output);
      assert.deepEqual(output, sealed);
      output.set(plaintext);
      crypto.chacha20Poly1305Seal({ key, nonce, aad }, output.subarray(0, 200), output);
      assert.deepEqual(output, sealed);
      for (const length of [0, 200, 215, 217]) {
        assert.throws(() => crypto.chacha20Poly1305Seal({ key, nonce, aad }, plaintext, repeat(3, length)), {
          code: 'BAD_LENGTH',
        });
      }
    });

    it('XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, A.3.1)', () => {
      const aad = fromHex('50515253c0c1c2c3c4c5c6c7');
      const nonce = count(0x40, 0x57);
      const sealed = crypto.xchacha20Poly1305Seal({ key: count(0x80, 0x9f), nonce, aad }, ascii(SUNSCREEN));
      assert.equal(
        toHex(sealed),
        'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb' +
          '731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452' +
          '2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
          '21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49',
      );
      assert.deepEqual(crypto.xchacha20Poly1305Open({ key: count(0x80, 0x9f), nonce, aad }, sealed), ascii(SUNSCREEN));
    });

    it('AES-128 (FIPS 197, B and C.1)', () => {
      for (const [key, block, ciphertext] of [
        ['2b7e151628aed2a6abf7158809cf4f3c', '3243f6a8885a308d313198a2e0370734', '3925841d02dc09fbdc118597196a0b32'],
        ['000102030405060708090a0b0c0d0e0f', '00112233445566778899aabbccddeeff', '69c4e0d86a7b0430d8cdb78070b4c55a'],
      ] as const) {
        assert.equal(toHex(crypto.aes128EncryptBlock(fromHex(key), fromHex(block))), ciphertext);
      }
    });

    it('refuses every input of a wrong length', () => {
      const good = repeat(1, 32);
      const nothing = new Uint8Array(0);
      for (const length of [0, 31, 33, 64]) {
        const bad = repeat(1, length);
        const refused = { code: 'BAD_LENGTH' };
        assert.throws(() => crypto.x25519PublicKey(bad), refused);
        assert.throws(() => crypto.x25519(bad, good), refused);
        assert.throws(() => crypto.x25519(good, bad), refused);
        assert.throws(() => crypto.ed25519Key(bad), refused);
        assert.throws(() => crypto.ed25519IsPrimeOrder(bad), refused);
        assert.throws(() => crypto.ed25519Verify(repeat(0, 64), nothing, bad), refused);
        assert.throws(() => crypto.ed25519Verify(repeat(0, length + 1), nothing, good), refused);
        assert.throws(
          () => crypto.chacha20Poly1305Seal({ key: bad, nonce: repeat(0, 12), aad: nothing }, nothing),
          refused,
        );
        assert.throws(
          () => crypto.chacha20Poly1305Open({ key: bad, nonce: repeat(0, 12), aad: nothing }, repeat(0, 16)),
          refused,
        );
        assert.throws(
          () => crypto.xchacha20Poly1305Seal({ key: good, nonce: repeat(0, 12), aad: nothing }, nothing),
          refused,
        );
        assert.throws(
          () => crypto.xchacha20Poly1305Open({ key: good, nonce: bad, aad: nothing }, repeat(0, 16)),
          refused,
        );
        assert.throws(() => crypto.aes128EncryptBlock(bad, repeat(1, 16)), refused);
        assert.throws(() => crypto.aes128EncryptBlock(repeat(1, 16), bad), refused);
      }
    });

    it('refuses a changed, cut or foreign box', () => {
      const key = repeat(1, 32);
      for (const [seal, open, nonceLength] of [
        [crypto.chacha20Poly1305Seal, crypto.chacha20Poly1305Open, 12],
        [crypto.xchacha20Poly1305Seal, crypto.xchacha20Poly1305Open, 24],
      ] as const) {
        const nonce = repeat(2, nonceLength);
        const aad = ascii('aad');
        const sealed = seal({ key, nonce, aad }, ascii('plaintext'));
        const refused = { code: 'DECRYPT_FAILED' };
        for (let i = 0; i < sealed.length; i++) {
          const changed = sealed.slice();
          changed[i]! ^= 1;
          assert.throws(() => open({ key, nonce, aad }, changed), refused);
          assert.throws(() => open({ key, nonce, aad }, sealed.subarray(0, i)), refused);
        }
        assert.throws(() => open({ key, nonce, aad: ascii('aae') }, sealed), refused);
        assert.throws(() => open({ key, nonce, aad: new Uint8Array(0) }, sealed), refused);
        assert.throws(() => open({ key: repeat(3, 32), nonce, aad }, sealed), refused);
        const empty = seal({ key, nonce, aad: new Uint8Array(0) }, new Uint8Array(0));
        assert.equal(open({ key, nonce, aad: new Uint8Array(0) }, empty).length, 0);
      }
    });

    it('returns plain Uint8Arrays that the caller owns', () => {
      const [first, second] = [crypto.sha256(ascii('a')), crypto.sha256(ascii('b'))];
      assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype);
      assert.notDeepEqual(first, second);
      assert.equal(Object.getPrototypeOf(crypto.hmacSha256(first, second)), Uint8Array.prototype);
      const block = crypto.aes128EncryptBlock(repeat(1, 16), repeat(2, 16));
      assert.equal(Object.getPrototypeOf(block), Uint8Array.prototype);
    });
  });
}

const SUNSCREEN =
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

it('SipHash-2-4 (Aumasson and Bernstein, appendix A)', () => {
  const output = new Uint8Array(8);
  sipHash(output, count(0, 14), count(0, 15));
  assert.equal(toHex(output), 'e545be4961ca29a1');
});
