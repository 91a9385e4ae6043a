// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anyTariff } from '../../test/support/arbitraries.js';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import {
  MAXIMUM_ENERGY_MILLIWATT_HOURS,
  MAXIMUM_METERS,
  MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR,
} from '../ledger/limits.js';
import { billOf } from './bill.js';
import {
  checkTariff,
  priceOf,
  signTariff,
  type Tariff,
  tariffFromJson,
  tariffToJson,
  verifyTariffSignature,
} from './tariff.js';

const tariffOf = (...points: [energy: bigint, price: bigint][]): Tariff => ({
  points: points.map(([perMeterMilliWattHours, priceNanoPerKilowattHour]) => ({
    perMeterMilliWattHours,
    priceNanoPerKilowattHour,
  })),
});

/** Another way to the same number: as a fraction num/den of exact integers, segment by segment from the left. */
function referencePrice(tariff: Tariff, total: bigint, meters: bigint): bigint {
  const corners = tariff.points.map((p) => ({ x: p.perMeterMilliWattHours, y: p.priceNanoPerKilowattHour }));
  let [numerator, denominator] = [corners[0]!.y, 1n];
  for (let i = 1; i < corners.length; i++) {
    const [a, b] = [corners[i - 1]!, corners[i]!];
    if (total >= b.x * meters) {
      [numerator, denominator] = [b.y, 1n];
    } else if (total > a.x * meters) {
      // Weights of the two ends: (b.x·m − t) and (t − a.x·m).
      numerator = a.y * (b.x * meters - total) + b.y * (total - a.x * meters);
      denominator = (b.x - a.x) * meters;
    }
  }
  let steps = numerator / denominator / 1_000n;
  while (steps * 1_000n * denominator > numerator) {
    steps--;
  }
  while ((steps + 1n) * 1_000n * denominator <= numerator) {
    steps++;
  }
  return steps * 1_000n;
}

describe('tariff', () => {
  const rising = tariffOf([100_000n, 100_000_000n], [300_000n, 300_000_000n]);
  const falling = tariffOf([100_000n, 300_000_000n], [300_000n, 100_000_000n]);

  it('is linear between points and flat outside, per registered meter', () => {
    assert.equal(priceOf(rising, 0n, 10), 100_000_000n);
    assert.equal(priceOf(rising, 1_000_000n, 10), 100_000_000n);
    assert.equal(priceOf(rising, 2_000_000n, 10), 200_000_000n);
    assert.equal(priceOf(rising, 3_000_000n, 10), 300_000_000n);
    assert.equal(priceOf(rising, 9_000_000n, 10), 300_000_000n);
    assert.equal(priceOf(tariffOf([5n, 7_000n]), 0n, 1), 7_000n);
    assert.equal(priceOf(tariffOf([5n, 7_000n]), 10n ** 15n, 1), 7_000n);
  });

  it('rounds downwards to 1,000, also where it falls', () => {
    const third = tariffOf([0n, 0n], [3n, 1_000_000n]);
    assert.equal(priceOf(third, 1n, 1), 333_000n);
    const fallingThird = tariffOf([0n, 1_000_000n], [3n, 0n]);
    assert.equal(priceOf(fallingThird, 1n, 1), 666_000n);
    assert.equal(priceOf(falling, 1_000_001n, 10), 299_999_000n);
  });

  it('agrees with exact fractions', () => {
    const total = fc.bigInt({ min: 0n, max: 200_000_000n });
    fc.assert(
      fc.property(anyTariff, total, fc.integer({ min: 1, max: 100 }), (tariff, energy, meters) =>
        assert.equal(priceOf(tariff, energy, meters), referencePrice(tariff, energy, BigInt(meters))),
      ),
      { numRuns: 2_000 },
    );
  });

  it('stays between its lowest and highest price, is a multiple of 1,000, and bills every category exactly', () => {
    fc.assert(
      fc.property(anyTariff, fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.integer({ min: 1, max: 5_000 }), (t, e, m) => {
        const price = priceOf(t, e, m);
        const prices = t.points.map((point) => point.priceNanoPerKilowattHour);
        assert.ok(prices.some((p) => p <= price) && prices.some((p) => p >= price));
        assert.equal(price % 1_000n, 0n);
        assert.equal(billOf(price, 50_000n) * 1_000_000n, price * 50_000n);
      }),
    );
  });

  it('refuses a price without meters, of too many, or of a negative total', () => {
    for (const meters of [0, -1, 0.5, Number.NaN, MAXIMUM_METERS + 1]) {
      assert.throws(() => priceOf(rising, 1n, meters), { code: 'TARIFF_INVALID' });
    }
    assert.throws(() => priceOf(rising, -1n, 1), { code: 'TARIFF_INVALID' });
  });

  it('refuses too few or many points, points that do not ascend, and values out of range', () => {
    const seventeen = Array.from({ length: 17 }, (_, i): [bigint, bigint] => [BigInt(i), 0n]);
    assert.doesNotThrow(() => checkTariff(tariffOf(...seventeen.slice(1))));
    for (const tariff of [
      tariffOf(),
      tariffOf(...seventeen),
      tariffOf([1n, 0n], [1n, 0n]),
      tariffOf([2n, 0n], [1n, 0n]),
      tariffOf([-1n, 0n]),
      tariffOf([MAXIMUM_ENERGY_MILLIWATT_HOURS + 1n, 0n]),
      tariffOf([0n, -1_000n]),
      tariffOf([0n, 1_001n]),
      tariffOf([0n, MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR + 1_000n]),
    ]) {
      assert.throws(() => checkTariff(tariff), { code: 'TARIFF_INVALID' });
      assert.throws(() => priceOf(tariff, 0n, 1), { code: 'TARIFF_INVALID' });
    }
  });

  it('reads back its JSON and judges it', () => {
    fc.assert(fc.property(anyTariff, (tariff) => assert.deepEqual(tariffFromJson(tariffToJson(tariff)), tariff)));
    assert.throws(() => tariffFromJson(tariffToJson(tariffOf([0n, 1n]))), { code: 'TARIFF_INVALID' });
    assert.throws(() => tariffFromJson({ points: 'x' }), { code: 'MALFORMED' });
    assert.throws(() => tariffFromJson({ points: Array(17).fill({}) }), { code: 'LIMIT_EXCEEDED' });
  });

  for (const crypto of BACK_ENDS) {
    it(`is signed for one region (${crypto.name})`, () => {
      const key = crypto.ed25519Key(new Uint8Array(32).fill(3));
      const signature = signTariff(crypto, 'london', rising, key);
      assert.doesNotThrow(() =>
        verifyTariffSignature(crypto, { region: 'london', tariff: rising, signature, publicKey: key.publicKey }),
      );
      for (const [region, tariff] of [
        ['paris', rising],
        ['london', falling],
      ] as const) {
        assert.throws(() => verifyTariffSignature(crypto, { region, tariff, signature, publicKey: key.publicKey }), {
          code: 'BAD_SIGNATURE',
        });
      }
    });
  }
});

describe('bill', () => {
  it('is price times energy, exactly or not at all', () => {
    assert.equal(billOf(260_000_000n, 200_000n), 52_000_000n);
    assert.equal(billOf(0n, 200_000n), 0n);
    assert.equal(billOf(1_000n, 1_000n), 1n);
    assert.throws(() => billOf(1_000n, 999n), { code: 'PRICE_GRANULARITY' });
    assert.throws(() => billOf(1n, 1_000n), { code: 'PRICE_GRANULARITY' });
  });
});
