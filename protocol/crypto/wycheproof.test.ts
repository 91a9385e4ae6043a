// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { requireShared } from '../../test/support/shared-data.js';
import { concatBytes, equalBytes, fromHex } from './bytes.js';
import type { Crypto } from './crypto.js';
import { hkdf } from './hash.js';

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly [field: string]: unknown;
}
interface Group {
  readonly tests: readonly Case[];
  readonly publicKey?: { readonly pk: string };
  readonly tagSize?: number;
}

const hex = (test: Case, field: string): Uint8Array => fromHex(test[field] as string);

/** Whether `crypto` accepts the case with the expected output. A refusal must be one of ours. */
type Check = (crypto: Crypto, test: Case, group: Group) => boolean;

function refusedWith(codes: readonly string[], action: () => boolean): boolean {
  try {
    return action();
  } catch (error) {
    assert.ok(codes.includes((error as { code: string }).code), String(error));
    return false;
  }
}

const CHECKS: Record<string, Check> = {
  ed25519: (crypto, test, group) =>
    refusedWith(['BAD_LENGTH'], () =>
      crypto.ed25519Verify(hex(test, 'sig'), hex(test, 'msg'), fromHex(group.publicKey!.pk)),
    ),

  // "Acceptable" marks public keys on the twist, of small order or not canonical. Small order is refused, all else
  // gives the shared value of RFC 7748.
  x25519: (crypto, test) =>
    refusedWith(['ZERO_SHARED_SECRET'], () =>
      equalBytes(crypto.x25519(hex(test, 'private'), hex(test, 'public')), hex(test, 'shared')),
    ),

  hmac_sha256: (crypto, test, group) => {
    const tag = crypto.hmacSha256(hex(test, 'key'), hex(test, 'msg')).subarray(0, group.tagSize! / 8);
    return equalBytes(tag, hex(test, 'tag'));
  },

  hkdf_sha256: (crypto, test) =>
    refusedWith(['LIMIT_EXCEEDED'], () =>
      equalBytes(
        hkdf(crypto, {
          salt: hex(test, 'salt'),
          inputKey: hex(test, 'ikm'),
          info: hex(test, 'info'),
          length: test['size'] as number,
        }),
        hex(test, 'okm'),
      ),
    ),

  chacha20_poly1305: (crypto, test) =>
    refusedWith(['DECRYPT_FAILED', 'BAD_LENGTH'], () => {
      const [key, iv, aad] = [hex(test, 'key'), hex(test, 'iv'), hex(test, 'aad')];
      const sealed = concatBytes(hex(test, 'ct'), hex(test, 'tag'));
      const opened = crypto.chacha20Poly1305Open({ key, nonce: iv, aad }, sealed);
      assert.deepEqual(crypto.chacha20Poly1305Seal({ key, nonce: iv, aad }, opened), sealed);
      return equalBytes(opened, hex(test, 'msg'));
    }),
};

describe('Wycheproof', () => {
  for (const [name, check] of Object.entries(CHECKS)) {
    it(name, function () {
      this.timeout(20_000);
      const path = requireShared(this, `vectors/wycheproof/${name}_test.json`);
      const file = JSON.parse(readFileSync(path, 'utf8')) as { numberOfTests: number; testGroups: Group[] };
      let seen = 0;
      for (const group of file.testGroups) {
        for (const test of group.tests) {
          const accepted = BACK_ENDS.map((crypto) => check(crypto, test, group));
          const expected =
            test.result === 'acceptable' ? !test.flags.includes('ZeroSharedSecret') : test.result === 'valid';
          assert.deepEqual(accepted, [expected, expected], `${name} ${test.tcId}: ${test.comment}`);
          seen++;
        }
      }
      assert.equal(seen, file.numberOfTests);
    });
  }
});
