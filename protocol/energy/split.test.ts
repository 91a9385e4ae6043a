// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { splitEnergy } from './split.js';

const LONDON = [50_000n, 100_000n, 200_000n, 400_000n, 800_000n];

describe('splitting', () => {
  it('uses the largest categories first and carries the rest', () => {
    assert.deepEqual(splitEnergy(1_793_000n, LONDON, 18), { rows: [4, 4, 1, 0], carry: 43_000n });
    assert.deepEqual(splitEnergy(49_999n, LONDON, 18), { rows: [], carry: 49_999n });
    assert.deepEqual(splitEnergy(50_000n, LONDON, 18), { rows: [0], carry: 0n });
    assert.deepEqual(splitEnergy(0n, LONDON, 18), { rows: [], carry: 0n });
  });

  it('stops at the number of places and below the cap', () => {
    assert.deepEqual(splitEnergy(3_200_000n, LONDON, 2), { rows: [4, 4], carry: 1_600_000n });
    assert.deepEqual(splitEnergy(900_000n, LONDON, 18, 1), { rows: Array(9).fill(1), carry: 0n });
    assert.deepEqual(splitEnergy(900_000n, LONDON, 0), { rows: [], carry: 900_000n });
  });

  it('loses nothing, invents nothing, and never carries what fits in a free place', () => {
    const ascending = fc
      .uniqueArray(fc.bigInt({ min: 1n, max: 1_000n }), { minLength: 5, maxLength: 5 })
      .map((values) => values.sort((a, b) => Number(a - b)).map((value) => value * 1_000n));
    const available = fc.bigInt({ min: 0n, max: 20_000_000n });
    fc.assert(
      fc.property(available, ascending, fc.nat(40), fc.nat(4), (energy, categories, places, cap) => {
        const { rows, carry } = splitEnergy(energy, categories, places, cap);
        assert.equal(
          rows.reduce((sum, category) => sum + categories[category]!, carry),
          energy,
        );
        assert.ok(carry >= 0n);
        assert.ok(rows.length <= places);
        assert.ok(rows.every((category, i) => category <= cap && category <= (rows[i - 1] ?? cap)));
        assert.ok(rows.length === places || carry < categories[0]!);
      }),
    );
  });

  it('refuses negative energy and a cap that is not a category', () => {
    assert.throws(() => splitEnergy(-1n, LONDON, 18), { code: 'BAD_ENERGY' });
    for (const cap of [-1, 5, 0.5]) {
      assert.throws(() => splitEnergy(1n, LONDON, 18, cap), { code: 'BAD_CATEGORY' });
    }
  });
});
