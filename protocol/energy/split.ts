// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { CATEGORY_COUNT } from '../ledger/limits.js';

/** How a meter reports its energy: Σ categories of `rows` + `carry` is what was available. */
export interface Split {
  /** Category numbers 0 to 4, the largest first. */
  readonly rows: number[];
  /** mWh that stay in the meter until the next interval. */
  readonly carry: bigint;
}

/**
 * Splits energy greedily, the largest category first; what fills no row is carried, so that no odd value reaches a ledger.
 *
 * @param availableMilliWattHours measured use plus carry
 * @param categoriesMilliWattHours five, ascending
 * @param maximumRows slots × rows per packet
 * @param capCategory largest category to use (0 to 4): after a row was left out the meter keeps below its category once
 * @throws ProtocolError `BAD_ENERGY` for negative energy, `BAD_CATEGORY` for a cap that is no category
 */
export function splitEnergy(
  availableMilliWattHours: bigint,
  categoriesMilliWattHours: readonly bigint[],
  maximumRows: number,
  capCategory: number = CATEGORY_COUNT - 1,
): Split {
  if (availableMilliWattHours < 0n) {
    throw new ProtocolError('BAD_ENERGY', 'energy is negative');
  }
  if (!Number.isInteger(capCategory) || categoriesMilliWattHours[capCategory] === undefined) {
    throw new ProtocolError('BAD_CATEGORY', 'cap is not a category');
  }
  const rows: number[] = [];
  let carry = availableMilliWattHours;
  for (let category = capCategory; category >= 0; category--) {
    const size = categoriesMilliWattHours[category] as bigint;
    while (rows.length < maximumRows && carry >= size) {
      rows.push(category);
      carry -= size;
    }
  }
  return { rows, carry };
}
