// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { fromHex, toHex } from '../crypto/bytes.js';
import { anyRow } from '../../test/support/arbitraries.js';
import { MAXIMUM_SECONDS } from './limits.js';
import {
  decodeRow,
  encodeRow,
  ROW_LENGTH,
  ROW_OFFSET,
  ROW_SIGNED_LENGTH,
  ROW_TYPE,
  rowMessage,
  signRow,
  verifyRowSignature,
} from './row.js';

const CONTENT = {
  type: ROW_TYPE.consumption,
  ledgerId: { region: 'london', startSeconds: 1_384_128_000 },
  pseudonym: new Uint8Array(32).fill(7),
  timeSeconds: 1_384_129_800,
  value: 200_000n,
};
const ROW = { ...CONTENT, signaturePublicKey: new Uint8Array(32), signature: new Uint8Array(64) };

interface RowVectors {
  readonly rows: readonly {
    readonly type: 0 | 1 | 2;
    readonly region: string;
    readonly startSeconds: number;
    readonly pseudonym: string;
    readonly timeSeconds: number;
    readonly value: string;
    readonly seed: string;
    readonly message: string;
    readonly row: string;
  }[];
  readonly refused: readonly { readonly why: string; readonly code: string; readonly row: string }[];
}

const vectors = frozenVectors<RowVectors>('row');

describe('row', () => {
  for (const crypto of BACK_ENDS) {
    it(`matches the frozen vectors (${crypto.name})`, () => {
      for (const { type, region, startSeconds, pseudonym, timeSeconds, value, seed, message, row } of vectors.rows) {
        const ledgerId = { region, startSeconds };
        const content = { type, ledgerId, pseudonym: fromHex(pseudonym), timeSeconds, value: BigInt(value) };
        const bytes = signRow(crypto, content, crypto.ed25519Key(fromHex(seed)));
        assert.equal(toHex(bytes), row);
        assert.equal(toHex(rowMessage(crypto, bytes)), message);
        assert.ok(verifyRowSignature(crypto, bytes));
        assert.deepEqual(encodeRow(decodeRow(bytes)), bytes);
      }
    });
  }

  for (const { why, code, row } of vectors.refused) {
    it(`refuses ${why}`, () => assert.throws(() => decodeRow(fromHex(row)), { code }));
  }

  it("has the paper's types and 177 bytes", () => {
    assert.deepEqual(ROW_TYPE, { consumption: 0b00, price: 0b01, bill: 0b10 });
    assert.equal(encodeRow(ROW).length, 177);
    assert.equal(ROW_SIGNED_LENGTH, 81);
  });

  it('reads back what it writes', () => {
    fc.assert(fc.property(anyRow, (row) => assert.deepEqual(decodeRow(encodeRow(row)), row)));
  });

  it('accepts only bytes that it would write', () => {
    fc.assert(
      fc.property(anyRow, fc.nat(ROW_LENGTH - 1), fc.integer({ min: 1, max: 255 }), (row, at, change) => {
        const bytes = encodeRow(row);
        bytes[at]! ^= change;
        let decoded;
        try {
          decoded = decodeRow(bytes);
        } catch {
          return;
        }
        assert.deepEqual(encodeRow(decoded), bytes);
      }),
    );
  });

  it('refuses other lengths, types and times', () => {
    const bytes = encodeRow(ROW);
    assert.throws(() => decodeRow(bytes.subarray(1)), { code: 'BAD_LENGTH' });
    assert.throws(() => decodeRow(new Uint8Array(ROW_LENGTH + 1)), { code: 'BAD_LENGTH' });
    assert.throws(() => decodeRow(bytes.with(0, 3)), { code: 'WRONG_TYPE' });
    const last = encodeRow({ ...ROW, timeSeconds: MAXIMUM_SECONDS });
    assert.equal(decodeRow(last).timeSeconds, MAXIMUM_SECONDS);
    assert.throws(() => decodeRow(last.with(64, last[64]! + 1)), { code: 'MALFORMED' });
    assert.throws(() => decodeRow(bytes.with(ROW_OFFSET.time, 1)), { code: 'MALFORMED' });
    assert.throws(() => decodeRow(bytes.with(ROW_OFFSET.ledgerId, 0x4c)), { code: 'MALFORMED' });
  });

  it('refuses to write what it could not read', () => {
    for (const [change, code] of [
      [{ value: -1n }, 'MALFORMED'],
      [{ value: 1n << 128n }, 'MALFORMED'],
      [{ timeSeconds: MAXIMUM_SECONDS + 1 }, 'MALFORMED'],
      [{ timeSeconds: 0.5 }, 'MALFORMED'],
      [{ pseudonym: new Uint8Array(31) }, 'BAD_LENGTH'],
      [{ signaturePublicKey: new Uint8Array(33) }, 'BAD_LENGTH'],
      [{ signature: new Uint8Array(63) }, 'BAD_LENGTH'],
    ] as const) {
      assert.throws(() => encodeRow({ ...ROW, ...change }), { code });
    }
  });

  for (const crypto of BACK_ENDS) {
    it(`is covered by its signature in every byte (${crypto.name})`, () => {
      const key = crypto.ed25519Key(new Uint8Array(32).fill(1));
      const bytes = signRow(crypto, CONTENT, key);
      assert.ok(verifyRowSignature(crypto, bytes));
      assert.equal(rowMessage(crypto, bytes).length, 32);
      const positions = crypto.name === 'sodium' ? [...bytes.keys()] : [0, 1, 17, 64, 80, 81, 113, 145, 176];
      for (const i of positions) {
        assert.ok(!verifyRowSignature(crypto, bytes.with(i, bytes[i]! ^ 1)), `byte ${i}`);
      }
    });
  }
});
