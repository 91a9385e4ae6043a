// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { anySignedSeal } from '../../test/support/arbitraries.js';
import type { JsonObject, JsonValue } from './canonical-json.js';
import { MAXIMUM_SEAL_BYTES } from './limits.js';
import {
  decodeSignedSeal,
  encodeSeal,
  encodeSignedSeal,
  sealDigest,
  sealFromJson,
  sealToJson,
  signSeal,
  verifySealSignature,
} from './seal.js';

const { seal: SEAL } = fc.sample(anySignedSeal, { numRuns: 1, seed: 1 })[0]!;

/** The same value with one thing changed. */
function changed(value: JsonValue): JsonValue {
  if (typeof value === 'number') {
    return value + 1;
  }
  if (typeof value === 'string') {
    return value === 'billing' ? 'pricing' : `${value.slice(0, -1)}${value.endsWith('1') ? '2' : '1'}`;
  }
  if (Array.isArray(value)) {
    return [...(value as readonly JsonValue[]).slice(1), { count: 7, value: '7' }];
  }
  return { ...(value as JsonObject), startSeconds: 1 };
}

describe('seal', () => {
  it('reads back what it writes, within its limit', () => {
    fc.assert(
      fc.property(anySignedSeal, (signed) => {
        const bytes = encodeSignedSeal(signed);
        assert.ok(bytes.length <= MAXIMUM_SEAL_BYTES);
        assert.deepEqual(decodeSignedSeal(bytes), signed);
      }),
    );
  });

  for (const crypto of BACK_ENDS) {
    it(`signs every field (${crypto.name})`, () => {
      const key = crypto.ed25519Key(new Uint8Array(32).fill(5));
      const { signature } = signSeal(crypto, SEAL, key);
      verifySealSignature(crypto, { seal: SEAL, signature }, key.publicKey);
      const json = sealToJson(SEAL);
      assert.equal(Object.keys(json).length, 16);
      for (const field of Object.keys(json)) {
        const value = field === 'kind' ? (SEAL.kind === 'pricing' ? 'billing' : 'pricing') : changed(json[field]!);
        const other = sealFromJson({ ...json, [field]: value });
        assert.notDeepEqual(encodeSeal(other), encodeSeal(SEAL), field);
        assert.notDeepEqual(sealDigest(crypto, other), sealDigest(crypto, SEAL));
        assert.throws(() => verifySealSignature(crypto, { seal: other, signature }, key.publicKey), {
          code: 'BAD_SIGNATURE',
        });
      }
      const wrongKey = crypto.ed25519Key(new Uint8Array(32).fill(6)).publicKey;
      assert.throws(() => verifySealSignature(crypto, { seal: SEAL, signature }, wrongKey), { code: 'BAD_SIGNATURE' });
    });
  }

  it('refuses fields out of range', () => {
    const json = sealToJson(SEAL);
    for (const change of [
      { kind: 'other' },
      { count: 200_001 },
      { registeredMeters: 0 },
      { registeredMeters: 5_001 },
      { registryEpoch: 65_536 },
      { parametersVersion: 0 },
      { total: '-1' },
      { headerDigest: 'ab' },
      { closeSeconds: 253_402_300_800 },
      { unknown: 1 },
    ]) {
      assert.throws(() => sealFromJson({ ...json, ...change }), { code: 'MALFORMED' }, JSON.stringify(change));
    }
    const incomplete = Object.fromEntries(Object.entries(json).filter(([field]) => field !== 'basis'));
    assert.throws(() => sealFromJson(incomplete), { code: 'MALFORMED' });
    assert.throws(() => decodeSignedSeal(new Uint8Array(MAXIMUM_SEAL_BYTES + 1)), { code: 'LIMIT_EXCEEDED' });
  });
});
