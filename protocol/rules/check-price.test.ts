// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { IntervalMaker } from '../../test/support/interval.js';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { decodeRow, signRow } from '../ledger/row.js';
import { checkPricePseudonym, checkPriceRow } from './check-price.js';
import { intervalContext } from './interval-context.js';

const kit = new FakeRegion({ meters: 6 });
const interval = new IntervalMaker(kit).next([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
const context = intervalContext(sodiumCrypto, kit.parameters, interval.ledgerId.startSeconds);
const row = interval.pricing.rows;
const consumption = interval.consumption.seal.seal;

describe('price row', () => {
  for (const crypto of BACK_ENDS) {
    it(`holds the tariff's price for the sealed total, signed by SP (${crypto.name})`, () => {
      assert.equal(checkPriceRow(crypto, row, context, { consumption, signatures: 'verify' }), interval.price);
      checkPricePseudonym(crypto, row, context, kit.pricePseudonymKey);
    });
  }

  it('is refused for another price, total, number of meters, interval, time, type, key or signature', () => {
    const resigned = (change: object, key = kit.serviceProvider) =>
      signRow(sodiumCrypto, { ...decodeRow(row), ...change }, key);
    for (const [bytes, code] of [
      [resigned({ value: interval.price + 1_000n }), 'WRONG_PRICE'],
      [resigned({ value: 0n }), 'WRONG_PRICE'],
      [resigned({ type: 2 }), 'WRONG_TYPE'],
      [resigned({ timeSeconds: context.closeSeconds }), 'WRONG_TIME'],
      [resigned({ ledgerId: { ...context.ledgerId, startSeconds: kit.startOf(1) } }), 'WRONG_LEDGER'],
      [resigned({}, kit.controlCenter), 'WRONG_KEY'],
      [row.with(176, row[176]! ^ 1), 'BAD_SIGNATURE'],
      [row.subarray(1), 'BAD_LENGTH'],
    ] as const) {
      assert.throws(() => checkPriceRow(sodiumCrypto, bytes, context, { consumption, signatures: 'verify' }), { code });
    }
    for (const change of [{ total: consumption.total + 1_000_000n }, { registeredMeters: 5 }]) {
      assert.throws(
        () =>
          checkPriceRow(sodiumCrypto, row, context, {
            consumption: { ...consumption, ...change },
            signatures: 'verify',
          }),
        {
          code: 'WRONG_PRICE',
        },
      );
    }
  });

  it('has the pseudonym of the committed key for this ledger', () => {
    assert.throws(() => checkPricePseudonym(sodiumCrypto, row, context, new Uint8Array(32)), { code: 'WRONG_KEY' });
    const next = intervalContext(sodiumCrypto, kit.parameters, kit.startOf(1));
    assert.throws(() => checkPricePseudonym(sodiumCrypto, row, next, kit.pricePseudonymKey), {
      code: 'WRONG_PSEUDONYM',
    });
  });
});
