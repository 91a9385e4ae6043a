// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toHex } from '../crypto/bytes.js';
import { anyLedgerId } from '../../test/support/arbitraries.js';
import {
  checkRegion,
  decodeLedgerId,
  encodeLedgerId,
  ledgerIdFromJson,
  ledgerIdToJson,
  sameLedger,
} from './ledger-id.js';
import { MAXIMUM_SECONDS } from './limits.js';

describe('ledger id', () => {
  it('reads back its bytes and its JSON', () => {
    fc.assert(
      fc.property(anyLedgerId, (ledgerId) => {
        assert.deepEqual(decodeLedgerId(encodeLedgerId(ledgerId)), ledgerId);
        assert.deepEqual(ledgerIdFromJson(ledgerIdToJson(ledgerId)), ledgerId);
      }),
    );
  });

  it('is region, zeros, seconds', () => {
    assert.equal(
      toHex(encodeLedgerId({ region: 'london', startSeconds: 1_384_128_000 })),
      '6c6f6e646f6e0000' + '0000000052801e00',
    );
  });

  it('accepts only bytes that it would write', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), anyLedgerId, fc.nat(15), (noise, id, at) => {
        const bytes = encodeLedgerId(id);
        bytes[at] = noise[at]!;
        let decoded;
        try {
          decoded = decodeLedgerId(bytes);
        } catch {
          return;
        }
        assert.deepEqual(encodeLedgerId(decoded), bytes);
      }),
    );
  });

  it('refuses regions outside 1 to 8 of a-z, 0-9 and -', () => {
    for (const region of ['', 'ninechars', 'London', 'a b', 'é', 'a\0b', 'a\n', 'a/b', '..']) {
      assert.throws(() => checkRegion(region), { code: 'MALFORMED' }, JSON.stringify(region));
      assert.throws(() => encodeLedgerId({ region, startSeconds: 0 }), { code: 'MALFORMED' });
    }
    const zeroInside = encodeLedgerId({ region: 'ab', startSeconds: 0 });
    zeroInside[0] = 0;
    assert.throws(() => decodeLedgerId(zeroInside), { code: 'MALFORMED' });
    assert.throws(() => decodeLedgerId(new Uint8Array(16)), { code: 'MALFORMED' });
  });

  it('refuses times that are not seconds of four-digit years, and short bytes', () => {
    for (const startSeconds of [-1, 0.5, Number.NaN, MAXIMUM_SECONDS + 1]) {
      assert.throws(() => encodeLedgerId({ region: 'a', startSeconds }), { code: 'MALFORMED' });
    }
    const last = { region: 'a', startSeconds: MAXIMUM_SECONDS };
    assert.deepEqual(decodeLedgerId(encodeLedgerId(last)), last);
    const late = encodeLedgerId({ region: 'a', startSeconds: 0 });
    late[8] = 0x80;
    assert.throws(() => decodeLedgerId(late), { code: 'MALFORMED' });
    assert.throws(() => decodeLedgerId(new Uint8Array(15)), { code: 'BAD_LENGTH' });
  });

  it('tells ledgers apart', () => {
    const id = { region: 'a', startSeconds: 1 };
    assert.ok(sameLedger(id, { ...id }));
    assert.ok(!sameLedger(id, { ...id, region: 'b' }));
    assert.ok(!sameLedger(id, { ...id, startSeconds: 2 }));
  });
});
