// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { MAXIMUM_ENERGY_MILLIWATT_HOURS } from '../ledger/limits.js';

/** 1 kWh in mWh. */
export const MILLIWATT_HOURS_PER_KILOWATT_HOUR = 1_000_000n;

/** 1 Wh in mWh. */
export const MILLIWATT_HOURS_PER_WATT_HOUR = 1_000n;

/** Decimals of a kWh that a mWh resolves. */
const KILOWATT_HOUR_DECIMALS = 6;
const CURRENCY_DECIMALS = 9;

/** Bounded before anything is converted: 7 digits reach {@link MAXIMUM_ENERGY_MILLIWATT_HOURS}. */
const KILOWATT_HOURS = /^([0-9]{1,7})(?:\.([0-9]{1,6}))?$/;

/**
 * Reads kWh as decimal text, `digits[.digits]`, exactly and never through a float.
 *
 * @returns mWh
 * @throws ProtocolError `BAD_ENERGY` for a sign, an exponent, blanks, more than 6 decimals, or more than 1 GWh
 */
export function parseKilowattHours(text: string): bigint {
  const match = KILOWATT_HOURS.exec(text);
  if (match === null) {
    throw new ProtocolError('BAD_ENERGY', 'energy is not a decimal number of kWh, at most 6 decimals');
  }
  const [, whole = '', fraction = ''] = match;
  const milliWattHours = BigInt(whole + fraction.padEnd(KILOWATT_HOUR_DECIMALS, '0'));
  if (milliWattHours > MAXIMUM_ENERGY_MILLIWATT_HOURS) {
    throw new ProtocolError('BAD_ENERGY', 'energy is above 1 GWh');
  }
  return milliWattHours;
}

/** mWh as kWh, exact and without trailing zeros: `1.234 kWh`. */
export function formatMilliWattHours(milliWattHours: bigint): string {
  return `${formatDecimal(milliWattHours, KILOWATT_HOUR_DECIMALS, 0)} kWh`;
}

/** Nano-currency as currency, exact, at least two decimals: `0.26`, `0.123456789`. */
export function formatNanoCurrency(nanoCurrency: bigint): string {
  return formatDecimal(nanoCurrency, CURRENCY_DECIMALS, 2);
}

function formatDecimal(amount: bigint, decimals: number, shownAtLeast: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, -decimals);
  const fraction = digits.slice(-decimals).replace(/0+$/, '').padEnd(shownAtLeast, '0');
  return `${amount < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
