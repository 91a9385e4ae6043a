// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import { SIGNATURE_LENGTH } from '../../../protocol/crypto/crypto.js';
import {
  encodeCanonical,
  parseCanonical,
  readAnyObject,
  readHex,
  readInteger,
  readObject,
  type JsonObject,
  type JsonValue,
} from '../../../protocol/ledger/canonical-json.js';
import { MAXIMUM_SEAL_BYTES, MAXIMUM_SECONDS } from '../../../protocol/ledger/limits.js';
import { nextStart, type IntervalLength } from '../../../protocol/schedule/intervals.js';
import { sealFromJson, sealToJson, type Seal, type SignedSeal } from '../../../protocol/ledger/seal.js';

/** Progress of freezing, which is in order and at each interval's close. */
export interface ClosingProgress {
  /** Start of the region's first interval, Unix seconds. */
  readonly firstStartSeconds: number;
  /** Seal of the last frozen interval, to which the next one chains. */
  readonly consumption?: SignedSeal;
}

/** Progress of settling, which is also in order, but waits for the service provider. */
export interface SettlingProgress {
  /** Seals of the last settled interval. */
  readonly pricing: SignedSeal;
  readonly billing: SignedSeal;
}

/** Two records of at most two seals. */
const MAXIMUM_BYTES = 3 * MAXIMUM_SEAL_BYTES;

/** Start of the next interval to be frozen. */
export function nextToFreeze({ firstStartSeconds, consumption }: ClosingProgress, length: IntervalLength): number {
  return consumption === undefined ? firstStartSeconds : startAfter(consumption.seal, length);
}

/** Start of the next interval to be settled. */
export function nextToSettle(
  { firstStartSeconds }: ClosingProgress,
  settling: SettlingProgress | undefined,
  length: IntervalLength,
): number {
  return settling === undefined ? firstStartSeconds : startAfter(settling.billing.seal, length);
}

export function encodeClosing({ firstStartSeconds, consumption }: ClosingProgress): Uint8Array {
  return encodeCanonical({
    firstStartSeconds,
    ...(consumption === undefined ? {} : { consumption: signedToJson(consumption) }),
  });
}

export function decodeClosing(bytes: Uint8Array): ClosingProgress {
  const json = readAnyObject(parseCanonical(bytes, MAXIMUM_BYTES));
  const consumption = Object.hasOwn(json, 'consumption') ? json['consumption'] : undefined;
  const fields = readObject(json, ['firstStartSeconds', ...(consumption === undefined ? [] : ['consumption'])]);
  return {
    firstStartSeconds: readInteger(fields['firstStartSeconds']!, 0, MAXIMUM_SECONDS),
    ...(consumption === undefined ? {} : { consumption: signedFromJson(consumption) }),
  };
}

export function encodeSettling({ pricing, billing }: SettlingProgress): Uint8Array {
  return encodeCanonical({ billing: signedToJson(billing), pricing: signedToJson(pricing) });
}

export function decodeSettling(bytes: Uint8Array): SettlingProgress {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_BYTES), ['billing', 'pricing']);
  return { pricing: signedFromJson(fields.pricing), billing: signedFromJson(fields.billing) };
}

function startAfter(seal: Seal, length: IntervalLength): number {
  return nextStart(length, seal.ledgerId.startSeconds);
}

function signedToJson({ seal, signature }: SignedSeal): JsonObject {
  return { seal: sealToJson(seal), signature: toHex(signature) };
}

function signedFromJson(value: JsonValue): SignedSeal {
  const fields = readObject(value, ['seal', 'signature']);
  return { seal: sealFromJson(fields.seal), signature: readHex(fields.signature, SIGNATURE_LENGTH) };
}
