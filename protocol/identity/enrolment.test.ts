// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { asciiBytes, fromHex, toHex } from '../crypto/bytes.js';
import { decodeEnrolmentRequest, encodeEnrolmentRequest, openEnrolment, sealEnrolment } from './enrolment.js';
import type { EnrolmentRequest } from './enrolment.js';

type EnrolmentVectors = Readonly<
  Record<
    | 'code'
    | 'linkPin'
    | 'secretKey'
    | 'meterKey'
    | 'ephemeralSecretKey'
    | 'controlCenterSecretKey'
    | 'controlCenterPublicKey'
    | 'linkKey'
    | 'request',
    string
  >
>;

describe('enrolment', () => {
  const vectors = frozenVectors<EnrolmentVectors>('enrolment');
  const controlCenterSecretKey = fromHex(vectors.controlCenterSecretKey);
  const controlCenterPublicKey = fromHex(vectors.controlCenterPublicKey);
  const secrets = {
    code: fromHex(vectors.code),
    linkPin: fromHex(vectors.linkPin),
    secretKey: fromHex(vectors.secretKey),
    meterKey: fromHex(vectors.meterKey),
    controlCenterPublicKey,
    ephemeralSecretKey: fromHex(vectors.ephemeralSecretKey),
  };
  const request = decodeEnrolmentRequest(asciiBytes(vectors.request));

  for (const crypto of BACK_ENDS) {
    const open = (change: Partial<EnrolmentRequest>) => () =>
      openEnrolment(crypto, controlCenterSecretKey, controlCenterPublicKey, { ...request, ...change });

    it(`matches the frozen vectors (${crypto.name})`, () => {
      const made = sealEnrolment(crypto, secrets);
      assert.deepEqual(made, request);
      assert.deepEqual(encodeEnrolmentRequest(made), asciiBytes(vectors.request));
      const { linkKey, meterKey } = open({})();
      assert.equal(toHex(linkKey), vectors.linkKey);
      assert.equal(toHex(meterKey), vectors.meterKey);
    });

    it(`refuses a request of which any byte is another (${crypto.name})`, () => {
      for (const field of ['code', 'linkPin', 'sealedKey', 'proof', 'publicKey'] as const) {
        const changed = request[field].slice();
        changed[0]! ^= 1;
        assert.throws(open({ [field]: changed }), { code: 'BAD_SIGNATURE' }, field);
      }
    });

    it(`refuses a public key with a second spelling or of small order (${crypto.name})`, () => {
      const topBit = request.publicKey.slice();
      topBit[31]! |= 0x80;
      const beyondField = new Uint8Array(32).fill(0xff);
      beyondField[0] = 0xed;
      beyondField[31] = 0x7f;
      for (const publicKey of [topBit, beyondField, new Uint8Array(32).fill(0xff)]) {
        assert.throws(open({ publicKey }), { code: 'NON_CANONICAL' });
      }
      const largest = beyondField.slice();
      largest[0] = 0xec;
      assert.throws(open({ publicKey: largest }), { code: 'ZERO_SHARED_SECRET' }, 'p − 1 is canonical, of small order');
      assert.throws(open({ publicKey: new Uint8Array(32) }), { code: 'ZERO_SHARED_SECRET' });
    });

    it(`refuses to seal what has a wrong length (${crypto.name})`, () => {
      for (const field of ['code', 'linkPin', 'secretKey', 'meterKey', 'ephemeralSecretKey'] as const) {
        assert.throws(() => sealEnrolment(crypto, { ...secrets, [field]: new Uint8Array(15) }), { code: 'BAD_LENGTH' });
      }
    });
  }

  it('reads its one encoding only', () => {
    const text = vectors.request;
    assert.throws(() => decodeEnrolmentRequest(asciiBytes(` ${text}`)), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => decodeEnrolmentRequest(asciiBytes(text.slice(0, -1))), { code: 'MALFORMED' });
    assert.throws(() => decodeEnrolmentRequest(asciiBytes(text.replace('"code"', '"Code"'))), { code: 'MALFORMED' });
    const upperCase = text.replace(/"code":"[^"]*"/, (code) => `"code":${code.slice(7).toUpperCase()}`);
    assert.notEqual(upperCase, text);
    assert.throws(() => decodeEnrolmentRequest(asciiBytes(upperCase)), { code: 'MALFORMED' });
    const reordered = text.replace(/^\{("code":"[^"]*"),("linkPin":"[^"]*")/, '{$2,$1');
    assert.equal(reordered.length, text.length);
    assert.throws(() => decodeEnrolmentRequest(asciiBytes(reordered)), { code: 'NON_CANONICAL' });
  });
});
