// SPDX-License-Identifier: Apache-2.0
import type { Crypto, SigningKey } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import {
  encodeCanonical,
  type JsonObject,
  type JsonValue,
  readAmount,
  readArray,
  readObject,
} from '../ledger/canonical-json.js';
import { signDocument, verifyDocument } from '../ledger/document.js';
import { checkRegion } from '../ledger/ledger-id.js';
import {
  MAXIMUM_ENERGY_MILLIWATT_HOURS,
  MAXIMUM_METERS,
  MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR,
  MAXIMUM_TARIFF_POINTS,
} from '../ledger/limits.js';

/** Prices are multiples of this and categories of whole Wh, so a bill p·c / 10^6 is an integer. */
export const PRICE_STEP_NANO_PER_KILOWATT_HOUR = 1_000n;

/** A corner of the tariff. */
export interface TariffPoint {
  /** Energy of the interval per registered meter, mWh. */
  readonly perMeterMilliWattHours: bigint;
  /** Price there, nano-currency per kWh, a multiple of 1,000. */
  readonly priceNanoPerKilowattHour: bigint;
}

/** Public and integer: the price is piecewise linear in the interval's energy per registered meter. */
export interface Tariff {
  /** 1 to 16, strictly ascending in energy. */
  readonly points: readonly TariffPoint[];
}

/** Checks order, bounds and granularity. @throws ProtocolError `TARIFF_INVALID` */
export function checkTariff(tariff: Tariff): void {
  const { points } = tariff;
  if (points.length < 1 || points.length > MAXIMUM_TARIFF_POINTS) {
    invalid(`1 to ${MAXIMUM_TARIFF_POINTS} points`);
  }
  points.forEach((point, i) => {
    const { perMeterMilliWattHours: energy, priceNanoPerKilowattHour: price } = point;
    if (energy < 0n || energy > MAXIMUM_ENERGY_MILLIWATT_HOURS) {
      invalid('energy of a point is out of range');
    }
    if (price < 0n || price > MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR) {
      invalid('price of a point is out of range');
    }
    if (price % PRICE_STEP_NANO_PER_KILOWATT_HOUR !== 0n) {
      invalid('price of a point is not a multiple of 1,000');
    }
    const before = points[i - 1];
    if (before !== undefined && energy <= before.perMeterMilliWattHours) {
      invalid('energy does not ascend strictly');
    }
  });
}

/**
 * p_j of an interval. Between two points linear, outside them flat; exact up to one rounding,
 * downwards to a multiple of 1,000: the only rounding in the protocol, also where the tariff falls.
 *
 * @param totalMilliWattHours the sealed total of the interval
 * @param registeredMeters of the interval's registry epoch, 1 to 5,000
 * @returns nano-currency per kWh
 * @throws ProtocolError `TARIFF_INVALID` for an invalid tariff, a negative total, or no registered meter
 */
export function priceOf(tariff: Tariff, totalMilliWattHours: bigint, registeredMeters: number): bigint {
  checkTariff(tariff);
  if (totalMilliWattHours < 0n) {
    invalid('total is negative');
  }
  if (!Number.isInteger(registeredMeters) || registeredMeters < 1 || registeredMeters > MAXIMUM_METERS) {
    invalid('number of registered meters is out of range');
  }
  // All energies are compared times the number of meters, so nothing is divided before the end.
  const meters = BigInt(registeredMeters);
  const { points } = tariff;
  const next = points.findIndex((point) => totalMilliWattHours < point.perMeterMilliWattHours * meters);
  const left = points.at(next < 0 ? -1 : Math.max(next - 1, 0)) as TariffPoint;
  const right = points.at(next) as TariffPoint;
  const width = (right.perMeterMilliWattHours - left.perMeterMilliWattHours) * meters;
  if (width === 0n) {
    return left.priceNanoPerKilowattHour;
  }
  const along = totalMilliWattHours - left.perMeterMilliWattHours * meters;
  const rise = right.priceNanoPerKilowattHour - left.priceNanoPerKilowattHour;
  // Between two prices ≥ 0 the numerator is ≥ 0, so BigInt's division (towards zero) is the floor.
  const steps = (left.priceNanoPerKilowattHour * width + rise * along) / (width * PRICE_STEP_NANO_PER_KILOWATT_HOUR);
  return steps * PRICE_STEP_NANO_PER_KILOWATT_HOUR;
}

/** SP's signature under a tariff for one region: SP proposes, CC enacts. 64 bytes. */
export function signTariff(crypto: Crypto, region: string, tariff: Tariff, key: SigningKey): Uint8Array {
  return signDocument(crypto, 'tariff', encodeTariff(region, tariff), key);
}

/** A tariff for a region with SP's signature, and SP's key. */
export interface SignedTariff {
  readonly region: string;
  readonly tariff: Tariff;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Checks SP's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifyTariffSignature(crypto: Crypto, { region, tariff, signature, publicKey }: SignedTariff): void {
  verifyDocument(crypto, 'tariff', encodeTariff(region, tariff), { signature, publicKey });
}

/** Canonical JSON `{"region":"…","tariff":{…}}`: what SP signs. The region keeps a tariff from being enacted elsewhere. */
export function encodeTariff(region: string, tariff: Tariff): Uint8Array {
  return encodeCanonical({ region: checkRegion(region), tariff: tariffToJson(tariff) });
}

/** A tariff as JSON. */
export function tariffToJson(tariff: Tariff): JsonObject {
  return {
    points: tariff.points.map((point) => ({
      perMeterMilliWattHours: point.perMeterMilliWattHours.toString(),
      priceNanoPerKilowattHour: point.priceNanoPerKilowattHour.toString(),
    })),
  };
}

/** Reads a tariff. @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED`, `TARIFF_INVALID` */
export function tariffFromJson(value: JsonValue): Tariff {
  const points = readArray(readObject(value, ['points']).points, MAXIMUM_TARIFF_POINTS, (item) => {
    const fields = readObject(item, ['perMeterMilliWattHours', 'priceNanoPerKilowattHour']);
    return {
      perMeterMilliWattHours: readAmount(fields.perMeterMilliWattHours),
      priceNanoPerKilowattHour: readAmount(fields.priceNanoPerKilowattHour),
    };
  });
  const tariff = { points };
  checkTariff(tariff);
  return tariff;
}

function invalid(reason: string): never {
  throw new ProtocolError('TARIFF_INVALID', reason);
}
