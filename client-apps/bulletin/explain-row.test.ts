// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { concatBytes, toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { rowAt } from '../../protocol/ledger/page.js';
import { decodeRow, ROW_LENGTH, ROW_OFFSET, signRow } from '../../protocol/ledger/row.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { explainRow } from './explain-row.js';

const kit = new FakeRegion();
const interval = new IntervalMaker(kit).next([2, 2, 2, 2, 2]);
const consumption = rowAt(interval.consumption.rows, 0);
const rows = { 0: consumption, 1: interval.pricing.rows, 2: rowAt(interval.billing.rows, 0) };

describe('explain row', () => {
  for (const [type, row] of Object.entries(rows)) {
    it(`covers every byte of a row of type ${type} once, in order`, () => {
      const { fields } = explainRow(sodiumCrypto, row);
      let next = 0;
      for (const { offset, length, bytes } of fields) {
        assert.equal(offset, next);
        assert.equal(bytes.length, 2 * length);
        next += length;
      }
      assert.equal(next, ROW_LENGTH);
      assert.equal(fields.map(({ bytes }) => bytes).join(''), toHex(row));
    });

    it(`finds a row of type ${type} right, with and without parameters`, () => {
      const checks = [explainRow(sodiumCrypto, row), explainRow(sodiumCrypto, row, kit.parameters)].map((explained) =>
        explained.checks.map(({ ok }) => ok),
      );
      assert.deepEqual(checks, [[true], [true, true, true, true]]);
    });
  }

  it("uses the paper's symbols", () => {
    const symbols = (row: Uint8Array, parameters?: Parameters): string[] =>
      explainRow(sodiumCrypto, row, parameters).fields.map(({ symbol }) => symbol);
    assert.deepEqual(symbols(rows[0], kit.parameters), [
      '00',
      'OCD_j',
      'A = H(H1(sk_{i,CC}) ‖ ID_i)',
      'T_{i,j,k}',
      'c_{i,j,k}',
      'sigPk_{i,k}',
      'sigSign_{sigSk_{i,k}}(H2(00 ‖ OCD_j ‖ A ‖ T_{i,j,k} ‖ c_{i,j,k}))',
    ]);
    assert.equal(symbols(rows[1])[4], 'p_j');
    const [, , unknown] = symbols(rows[0]);
    assert.equal(
      unknown,
      'A = H(H1(sk_{i,CC}) ‖ ID_i), or A = nonce ‖ AES(i, k) in identity mode encryption (Remark 4)',
    );
    const other = { ...kit.parameters, identityMode: 'encryption', priceMode: 'direct' } as const;
    assert.deepEqual(
      Object.values(rows).map((row) => symbols(row, other)[2]),
      ['A = nonce ‖ AES(i, k)', 'A = H(H1(sk_{SP,Ui}) ‖ ID_SP)', 'A = nonce ‖ AES(i, k)'],
    );
    assert.equal(symbols(rows[2]).at(-1), 'sigSign_{sigSk_SP}(H2(10 ‖ BC_j ‖ A ‖ T_{SP,j,l} ‖ B_{i,j,k}))');
  });

  it('says what is wrong: signature, time, category, region, key', () => {
    const wrong = (row: Uint8Array): string[] =>
      explainRow(sodiumCrypto, row, kit.parameters).checks.flatMap(({ check, ok }) => (ok ? [] : [check]));
    const key = sodiumCrypto.ed25519Key(new Uint8Array(32));
    const signed = (row: Uint8Array, change: object): Uint8Array =>
      signRow(sodiumCrypto, { ...decodeRow(row), ...change }, key);
    const one = (faults: string[], part: RegExp): void => {
      assert.equal(faults.length, 1);
      assert.match(faults[0]!, part);
    };
    one(wrong(consumption.with(ROW_OFFSET.signature, consumption[ROW_OFFSET.signature]! ^ 1)), /signature is valid/);
    one(wrong(signed(consumption, { timeSeconds: 0 })), /T is s \+ L/);
    one(wrong(signed(consumption, { value: 1n })), /five categories \(none\)/);
    one(wrong(signed(consumption, { ledgerId: { ...interval.ledgerId, region: 'paris' } })), /region is london/);
    one(wrong(signed(rows[2], {})), /service provider's key/);
  });

  it('refuses bytes that are not a row', () => {
    assert.throws(() => explainRow(sodiumCrypto, concatBytes(consumption, consumption)), { code: 'BAD_LENGTH' });
    assert.throws(() => explainRow(sodiumCrypto, consumption.with(0, 3)), { code: 'WRONG_TYPE' });
  });
});
