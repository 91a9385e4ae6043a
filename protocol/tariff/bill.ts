// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { MILLIWATT_HOURS_PER_KILOWATT_HOUR } from '../energy/units.js';

/**
 * B = p · c, exact.
 *
 * @param priceNanoPerKilowattHour p_j
 * @param milliWattHours c
 * @returns nano-currency
 * @throws ProtocolError `PRICE_GRANULARITY` when p · c / 10^6 leaves a remainder
 */
export function billOf(priceNanoPerKilowattHour: bigint, milliWattHours: bigint): bigint {
  const product = priceNanoPerKilowattHour * milliWattHours;
  if (product % MILLIWATT_HOURS_PER_KILOWATT_HOUR !== 0n) {
    throw new ProtocolError('PRICE_GRANULARITY', 'price times energy is not a whole number of nano-currency');
  }
  return product / MILLIWATT_HOURS_PER_KILOWATT_HOUR;
}
