// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAXIMUM_ENERGY_MILLIWATT_HOURS } from '../ledger/limits.js';
import { formatMilliWattHours, formatNanoCurrency, parseKilowattHours } from './units.js';

describe('kilowatt hours', () => {
  it('are read exactly', () => {
    for (const [text, milliWattHours] of [
      ['0', 0n],
      ['1', 1_000_000n],
      ['0.1', 100_000n],
      ['0.000001', 1n],
      ['7.33', 7_330_000n],
      ['12.345678', 12_345_678n],
      ['0.30', 300_000n],
      ['1000000', MAXIMUM_ENERGY_MILLIWATT_HOURS],
    ] as const) {
      assert.equal(parseKilowattHours(text), milliWattHours, text);
    }
  });

  it('agree with what is written for them', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAXIMUM_ENERGY_MILLIWATT_HOURS }), (milliWattHours) =>
        assert.equal(parseKilowattHours(formatMilliWattHours(milliWattHours).replace(' kWh', '')), milliWattHours),
      ),
    );
  });

  for (const text of [
    '',
    ' ',
    '.',
    '.5',
    '5.',
    '-1',
    '+1',
    '-0',
    '1e3',
    '1E3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '1,5',
    '1.2.3',
    '1_000',
    '0.0000001',
    '1.0000000',
    'NaN',
    'Infinity',
    '１',
    '1000000.000001',
    '10000000',
    '9'.repeat(1_000_000),
  ]) {
    it(`refuse ${JSON.stringify(text.slice(0, 20))}`, () =>
      assert.throws(() => parseKilowattHours(text), { code: 'BAD_ENERGY' }));
  }
});

describe('amounts for people', () => {
  it('are exact and short', () => {
    assert.equal(formatMilliWattHours(1_234_567n), '1.234567 kWh');
    assert.equal(formatMilliWattHours(50_000n), '0.05 kWh');
    assert.equal(formatMilliWattHours(0n), '0 kWh');
    assert.equal(formatMilliWattHours(-1_500_000n), '-1.5 kWh');
    assert.equal(formatNanoCurrency(260_000_000n), '0.26');
    assert.equal(formatNanoCurrency(1_000_000_000n), '1.00');
    assert.equal(formatNanoCurrency(123_456_789n), '0.123456789');
    assert.equal(formatNanoCurrency(0n), '0.00');
  });
});
