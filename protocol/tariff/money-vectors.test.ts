// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { frozenVectors } from '../../test/support/frozen-vectors.js';
import type { JsonValue } from '../ledger/canonical-json.js';
import { billOf } from './bill.js';
import { categoriesFor } from '../energy/categories.js';
import { splitEnergy } from '../energy/split.js';
import { priceOf, tariffFromJson } from './tariff.js';
import { parseKilowattHours } from '../energy/units.js';

interface MoneyVectors {
  readonly kilowattHours: readonly { readonly text: string; readonly milliWattHours: string }[];
  readonly kilowattHoursRefused: readonly string[];
  readonly categories: readonly {
    readonly averageMilliWattHours: string;
    readonly categoriesMilliWattHours: readonly string[];
  }[];
  readonly splits: readonly {
    readonly availableMilliWattHours: string;
    readonly categoriesMilliWattHours: readonly string[];
    readonly maximumRows: number;
    readonly capCategory: number;
    readonly rows: readonly number[];
    readonly carryMilliWattHours: string;
  }[];
  readonly tariff: JsonValue;
  readonly prices: readonly {
    readonly totalMilliWattHours: string;
    readonly registeredMeters: number;
    readonly priceNanoPerKilowattHour: string;
  }[];
  readonly bills: readonly {
    readonly priceNanoPerKilowattHour: string;
    readonly milliWattHours: string;
    readonly billNanoCurrency: string;
  }[];
}

const vectors = frozenVectors<MoneyVectors>('money');

describe('frozen money', () => {
  it('reads kilowatt hours', () => {
    for (const { text, milliWattHours } of vectors.kilowattHours) {
      assert.equal(String(parseKilowattHours(text)), milliWattHours);
    }
    for (const text of vectors.kilowattHoursRefused) {
      assert.throws(() => parseKilowattHours(text), { code: 'BAD_ENERGY' });
    }
  });

  it('chooses categories and splits energy', () => {
    for (const { averageMilliWattHours, categoriesMilliWattHours } of vectors.categories) {
      assert.deepEqual(categoriesFor(BigInt(averageMilliWattHours)).map(String), categoriesMilliWattHours);
    }
    for (const given of vectors.splits) {
      const split = splitEnergy(
        BigInt(given.availableMilliWattHours),
        given.categoriesMilliWattHours.map(BigInt),
        given.maximumRows,
        given.capCategory,
      );
      assert.deepEqual(split, { rows: given.rows, carry: BigInt(given.carryMilliWattHours) });
    }
  });

  it('sets prices and bills', () => {
    const tariff = tariffFromJson(vectors.tariff);
    for (const { totalMilliWattHours, registeredMeters, priceNanoPerKilowattHour } of vectors.prices) {
      const price = priceOf(tariff, BigInt(totalMilliWattHours), registeredMeters);
      assert.equal(String(price), priceNanoPerKilowattHour, totalMilliWattHours);
    }
    for (const { priceNanoPerKilowattHour, milliWattHours, billNanoCurrency } of vectors.bills) {
      assert.equal(String(billOf(BigInt(priceNanoPerKilowattHour), BigInt(milliWattHours))), billNanoCurrency);
    }
  });
});
