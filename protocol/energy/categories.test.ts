// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAXIMUM_ENERGY_MILLIWATT_HOURS } from '../ledger/limits.js';
import { categoriesFor, checkCategories } from './categories.js';

const wattHours = (...values: number[]) => values.map((value) => BigInt(value) * 1_000n);

describe('categories', () => {
  it('are those of London for 214 Wh', () =>
    assert.deepEqual(categoriesFor(214_000n), wattHours(50, 100, 200, 400, 800)));

  it('round the quarter of the average to the nearest preferred number, the smaller on a tie', () => {
    const unit = (averageMilliWattHours: bigint) => categoriesFor(averageMilliWattHours)[0]! / 1_000n;
    for (const [averageWattHours, expected] of [
      [0, 1],
      [1, 1],
      [4, 1],
      [6, 1],
      [7, 2],
      [8, 2],
      [14, 2],
      [15, 5],
      [30, 5],
      [31, 10],
      [60, 10],
      [61, 20],
      [90, 20],
      [91, 25],
      [150, 25],
      [151, 50],
      [300, 50],
      [301, 100],
      [800, 200],
      [2_000, 500],
      [4_000, 1_000],
    ] as const) {
      assert.equal(unit(BigInt(averageWattHours) * 1_000n), BigInt(expected), `${averageWattHours} Wh`);
    }
  });

  it('are always valid, and their third is near the average', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 4_000n, max: MAXIMUM_ENERGY_MILLIWATT_HOURS / 8n }), (average) => {
        const categories = categoriesFor(average);
        checkCategories(categories);
        assert.ok(3n * categories[2]! <= 5n * average && 5n * categories[2]! >= 3n * average);
      }),
    );
  });

  it('refuse an impossible average', () => {
    assert.throws(() => categoriesFor(-1n), { code: 'BAD_ENERGY' });
    assert.throws(() => categoriesFor(MAXIMUM_ENERGY_MILLIWATT_HOURS), { code: 'BAD_ENERGY' });
  });

  it('are five, ascending, whole Wh, above zero and bounded', () => {
    for (const categories of [
      wattHours(1, 2, 3, 4),
      wattHours(1, 2, 3, 4, 5, 6),
      wattHours(1, 2, 2, 4, 5),
      wattHours(1, 3, 2, 4, 5),
      wattHours(0, 1, 2, 3, 4),
      [...wattHours(1, 2, 3, 4), 4_500n],
      [...wattHours(1, 2, 3, 4), MAXIMUM_ENERGY_MILLIWATT_HOURS + 1_000n],
    ]) {
      assert.throws(() => checkCategories(categories), { code: 'BAD_CATEGORY' });
    }
  });
});
