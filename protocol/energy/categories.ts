// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { CATEGORY_COUNT, MAXIMUM_ENERGY_MILLIWATT_HOURS } from '../ledger/limits.js';
import { MILLIWATT_HOURS_PER_WATT_HOUR } from './units.js';

/** Each category is twice the one before: ¼, ½, 1, 2, 4 times the average. */
const CATEGORY_FACTORS = [1n, 2n, 4n, 8n, 16n] as const;

/**
 * The five categories of a region, mWh, ascending: {¼, ½, 1, 2, 4} times the average use of an interval,
 * the quarter rounded to the nearest of 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500 … Wh (the smaller on a tie),
 * so that the categories are whole Wh and easy to read. London, 214 Wh per half hour: 50, 100, 200, 400, 800 Wh.
 *
 * @param averageMilliWattHours average use of a meter in one interval
 * @throws ProtocolError `BAD_ENERGY` for a negative average, or one whose largest category is beyond a row's limit
 */
export function categoriesFor(averageMilliWattHours: bigint): bigint[] {
  if (averageMilliWattHours < 0n || averageMilliWattHours > MAXIMUM_ENERGY_MILLIWATT_HOURS / 8n) {
    throw new ProtocolError('BAD_ENERGY', 'average use is out of range');
  }
  let unit = MILLIWATT_HOURS_PER_WATT_HOUR;
  for (const wattHours of preferredWattHours()) {
    const candidate = wattHours * MILLIWATT_HOURS_PER_WATT_HOUR;
    // Distances are compared four times enlarged: average / 4 need not be whole.
    const before = distance(4n * unit, averageMilliWattHours);
    if (distance(4n * candidate, averageMilliWattHours) >= before && candidate !== unit) {
      break;
    }
    unit = candidate;
  }
  return CATEGORY_FACTORS.map((factor) => factor * unit);
}

function* preferredWattHours(): Generator<bigint> {
  yield* [1n, 2n, 5n];
  for (let decade = 10n; ; decade *= 10n) {
    yield* [decade, 2n * decade, (5n * decade) / 2n, 5n * decade];
  }
}

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

/** Checks five ascending categories of whole Wh. @throws ProtocolError `BAD_CATEGORY` */
export function checkCategories(categoriesMilliWattHours: readonly bigint[]): void {
  if (categoriesMilliWattHours.length !== CATEGORY_COUNT) {
    throw new ProtocolError('BAD_CATEGORY', `there are ${CATEGORY_COUNT} categories`);
  }
  let before = 0n;
  for (const category of categoriesMilliWattHours) {
    if (category <= before) {
      throw new ProtocolError('BAD_CATEGORY', 'categories do not ascend from above zero');
    }
    if (category % MILLIWATT_HOURS_PER_WATT_HOUR !== 0n) {
      throw new ProtocolError('BAD_CATEGORY', 'categories are whole Wh');
    }
    if (category > MAXIMUM_ENERGY_MILLIWATT_HOURS) {
      throw new ProtocolError('BAD_CATEGORY', 'category is above 1 GWh');
    }
    before = category;
  }
}
