// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AeadId, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { AeadInterface } from '@hpke/core';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { requireShared } from '../../test/support/shared-data.js';
import { asciiBytes, concatBytes, fromHex, toHex } from './bytes.js';
import { HPKE_OVERHEAD, hpkeOpen, hpkeSeal } from './hpke.js';
import { nobleCrypto } from './noble.js';

// The declarations of @hpke/core name a global of browsers.
declare global {
  type CryptoKey = webcrypto.CryptoKey;
}

/** Vectors that the RFC publishes for base mode with this suite (RFC 9180, A.2.1), by the names used there. */
interface HpkeVector {
  readonly info: string;
  readonly skEm: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly enc: string;
  readonly encryptions: readonly { readonly aad: string; readonly pt: string; readonly ct: string }[];
}

const RFC_9180: HpkeVector = {
  info: '4f6465206f6e2061204772656369616e2055726e',
  skEm: 'f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600',
  skRm: '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
  pkRm: '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a',
  enc: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
  encryptions: [
    {
      aad: '436f756e742d30',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
    },
  ],
};

function checkVector(vector: HpkeVector): void {
  const first = vector.encryptions[0]!;
  const [info, aad, plaintext] = [fromHex(vector.info), fromHex(first.aad), fromHex(first.pt)];
  for (const crypto of BACK_ENDS) {
    const sealed = hpkeSeal(crypto, {
      ephemeralSecretKey: fromHex(vector.skEm),
      recipientPublicKey: fromHex(vector.pkRm),
      info,
      aad,
      plaintext,
    });
    assert.equal(toHex(sealed), vector.enc + first.ct);
    assert.deepEqual(
      hpkeOpen(crypto, {
        recipientSecretKey: fromHex(vector.skRm),
        recipientPublicKey: fromHex(vector.pkRm),
        info,
        aad,
        sealed,
      }),
      plaintext,
    );
  }
}

/** `@hpke/core` has no ChaCha20-Poly1305 of its own. */
class ChaCha20Poly1305 implements AeadInterface {
  readonly id = AeadId.Chacha20Poly1305;
  readonly keySize = 32;
  readonly nonceSize = 12;
  readonly tagSize = 16;

  createEncryptionContext(
    rawKey: ArrayBufferLike | ArrayBufferView,
  ): ReturnType<AeadInterface['createEncryptionContext']> {
    const bytes = (value: ArrayBufferLike | ArrayBufferView): Uint8Array =>
      ArrayBuffer.isView(value)
        ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
        : new Uint8Array(value);
    const key = bytes(rawKey).slice();
    const exact = (result: Uint8Array): Promise<ArrayBuffer> => Promise.resolve(Uint8Array.from(result).buffer);
    return {
      seal: (iv, data, aad) =>
        exact(nobleCrypto.chacha20Poly1305Seal({ key, nonce: bytes(iv), aad: bytes(aad) }, bytes(data))),
      open: (iv, data, aad) =>
        exact(nobleCrypto.chacha20Poly1305Open({ key, nonce: bytes(iv), aad: bytes(aad) }, bytes(data))),
    };
  }
}

describe('HPKE', () => {
  it('RFC 9180, A.2.1', () => checkVector(RFC_9180));

  it('the published vector file', function () {
    const path = requireShared(this, 'vectors/hpke/rfc9180-base-x25519-sha256-chacha20poly1305.json');
    const vectors = JSON.parse(readFileSync(path, 'utf8')) as HpkeVector[];
    assert.ok(vectors.length > 0);
    for (const vector of vectors) {
      checkVector(vector);
    }
  });

  it('opens what @hpke/core seals, and the other way round', async function () {
    this.timeout(10_000);
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new ChaCha20Poly1305(),
    });
    const [info, aad] = [asciiBytes('info'), asciiBytes('aad')];
    for (const crypto of BACK_ENDS) {
      for (const length of [0, 1, 500]) {
        const secretKey = new Uint8Array(32).fill(length + 1);
        const publicKey = crypto.x25519PublicKey(secretKey);
        const plaintext = new Uint8Array(length).fill(7);
        const theirs = await suite.createSenderContext({
          recipientPublicKey: await suite.kem.deserializePublicKey(publicKey),
          info,
        });
        const sealed = concatBytes(new Uint8Array(theirs.enc), new Uint8Array(await theirs.seal(plaintext, aad)));
        assert.equal(sealed.length, length + HPKE_OVERHEAD);
        assert.deepEqual(
          hpkeOpen(crypto, { recipientSecretKey: secretKey, recipientPublicKey: publicKey, info, aad, sealed }),
          plaintext,
        );

        const ours = hpkeSeal(crypto, {
          ephemeralSecretKey: new Uint8Array(32).fill(9),
          recipientPublicKey: publicKey,
          info,
          aad,
          plaintext,
        });
        const recipient = await suite.createRecipientContext({
          recipientKey: await suite.kem.deserializePrivateKey(secretKey),
          enc: ours.slice(0, 32),
          info,
        });
        assert.deepEqual(new Uint8Array(await recipient.open(ours.slice(32), aad)), plaintext);
      }
    }
  });

  for (const crypto of BACK_ENDS) {
    it(`seals into memory of the caller, where the plaintext may already be (${crypto.name})`, () => {
      const secretKey = new Uint8Array(32).fill(1);
      const publicKey = crypto.x25519PublicKey(secretKey);
      const [info, aad, plaintext] = [asciiBytes('info'), asciiBytes('aad'), new Uint8Array(300).fill(7)];
      const sealed = hpkeSeal(crypto, {
        ephemeralSecretKey: new Uint8Array(32).fill(2),
        recipientPublicKey: publicKey,
        info,
        aad,
        plaintext,
      });
      const output = new Uint8Array(300 + HPKE_OVERHEAD);
      output.set(plaintext, 32);
      const inPlace = output.subarray(32, 332);
      assert.equal(
        hpkeSeal(crypto, {
          ephemeralSecretKey: new Uint8Array(32).fill(2),
          recipientPublicKey: publicKey,
          info,
          aad,
          plaintext: inPlace,
          output,
        }),
        output,
      );
      assert.deepEqual(output, sealed);
      for (const length of [0, 300, 347, 349]) {
        assert.throws(
          () =>
            hpkeSeal(crypto, {
              ephemeralSecretKey: secretKey,
              recipientPublicKey: publicKey,
              info,
              aad,
              plaintext,
              output: new Uint8Array(length),
            }),
          {
            code: 'BAD_LENGTH',
          },
        );
      }
    });

    it(`refuses what is not its own (${crypto.name})`, () => {
      const secretKey = new Uint8Array(32).fill(1);
      const publicKey = crypto.x25519PublicKey(secretKey);
      const [info, aad] = [asciiBytes('info'), asciiBytes('aad')];
      const sealed = hpkeSeal(crypto, {
        ephemeralSecretKey: new Uint8Array(32).fill(2),
        recipientPublicKey: publicKey,
        info,
        aad,
        plaintext: asciiBytes('plaintext'),
      });
      const opening = { recipientSecretKey: secretKey, recipientPublicKey: publicKey, info, aad, sealed };
      const refused = (change: Partial<typeof opening>, code = 'DECRYPT_FAILED', message?: string): void =>
        assert.throws(() => hpkeOpen(crypto, { ...opening, ...change }), { code }, message);
      for (let i = 0; i < sealed.length; i++) {
        const changed = sealed.slice();
        changed[i]! ^= 1;
        refused({ sealed: changed }, 'DECRYPT_FAILED', `byte ${i}`);
      }
      for (const length of [0, 31, 32, HPKE_OVERHEAD - 1]) {
        refused({ sealed: sealed.subarray(0, length) });
      }
      refused({ info: asciiBytes('infp') });
      refused({ aad: asciiBytes('aae') });
      refused({ recipientSecretKey: new Uint8Array(32).fill(3) });
      refused({ sealed: new Uint8Array(100) }, 'ZERO_SHARED_SECRET');
      assert.throws(
        () =>
          hpkeSeal(crypto, {
            ephemeralSecretKey: secretKey,
            recipientPublicKey: new Uint8Array(32),
            info,
            aad,
            plaintext: aad,
          }),
        {
          code: 'ZERO_SHARED_SECRET',
        },
      );
    });
  }
});
