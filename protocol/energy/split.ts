// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { CATEGORY_COUNT } from '../ledger/limits.js';

/** Split of a meter's energy: Σ categories of `rows` + `carry` is the available energy. */
export interface Split {
  /** Category numbers 0 to 4, the largest first. */
  readonly rows: number[];
  /** mWh that stay in the meter until the next interval. */
  readonly carry: bigint;
}

/**
 * Splits energy greedily, the largest category first; the rest is carried, so that no odd value reaches a ledger.
 *
 * @param availableMilliWattHours measured use plus carry
 * @param categoriesMilliWattHours five, ascending
 * @param maximumRows slots × rows per packet
 * @param capCategory largest category to use (0 to 4): after a suppressed row the meter stays below its category once
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
