// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { concatBytes, fromHex, toHex } from './bytes.js';
import { H, H1, H2, digest, hkdf, mac, prefix, ratchet } from './hash.js';
import type { DigestDomain, MacDomain } from './hash.js';

interface HashVectors {
  readonly key: string;
  readonly message: string;
  readonly H: string;
  readonly H1: string;
  readonly H2: string;
  readonly ratchet: string;
  readonly digest: Readonly<Record<DigestDomain, string>>;
  readonly mac: Readonly<Record<MacDomain, string>>;
  readonly hkdf: Readonly<Record<'salt' | 'inputKey' | 'info' | 'output', string>>;
}

describe('domain-separated hashes', () => {
  const vectors = frozenVectors<HashVectors>('hash');
  const [key, message] = [fromHex(vectors.key), fromHex(vectors.message)];

  for (const crypto of BACK_ENDS) {
    it(`match the frozen vectors (${crypto.name})`, () => {
      assert.equal(toHex(H(crypto, key, message)), vectors.H);
      assert.equal(toHex(H1(crypto, key)), vectors.H1);
      assert.equal(toHex(H2(crypto, message)), vectors.H2);
      assert.equal(toHex(ratchet(crypto, key)), vectors.ratchet);
      for (const [domain, value] of Object.entries(vectors.digest)) {
        assert.equal(toHex(digest(crypto, domain as DigestDomain, message)), value, domain);
      }
      for (const [domain, value] of Object.entries(vectors.mac)) {
        assert.equal(toHex(mac(crypto, domain as MacDomain, key, message)), value, domain);
      }
      const { salt, inputKey, info, output } = vectors.hkdf;
      const derived = hkdf(crypto, {
        salt: fromHex(salt),
        inputKey: fromHex(inputKey),
        info: fromHex(info),
        length: output.length / 2,
      });
      assert.equal(toHex(derived), output);
    });

    it(`take parts as one message (${crypto.name})`, () => {
      const halves = [message.subarray(0, 10), message.subarray(10)];
      assert.deepEqual(digest(crypto, 'seal', ...halves), digest(crypto, 'seal', message));
      assert.deepEqual(mac(crypto, 'packet', key, ...halves), mac(crypto, 'packet', key, message));
    });
  }

  it('no two are the same function', () => {
    const [crypto] = BACK_ENDS;
    const values = [
      H1(crypto!, key),
      H2(crypto!, key),
      H(crypto!, key, key),
      crypto!.hmacSha256(key, key),
      ratchet(crypto!, key),
      crypto!.sha256(key),
      ...Object.keys(vectors.digest).map((domain) => digest(crypto!, domain as DigestDomain, key)),
      ...Object.keys(vectors.mac).map((domain) => mac(crypto!, domain as MacDomain, key, key)),
    ].map(toHex);
    assert.equal(new Set(values).size, values.length);
  });

  it('a prefix is the name, ended by zero', () =>
    assert.equal(
      toHex(prefix('H1')),
      toHex(concatBytes(new TextEncoder().encode('gridveil/v1/H1'), Uint8Array.of(0))),
    ));
});
