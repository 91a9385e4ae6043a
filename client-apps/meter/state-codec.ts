// SPDX-License-Identifier: Apache-2.0
import { DIGEST_LENGTH, KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { MAXIMUM_EPOCH, MAXIMUM_K } from '../../protocol/crypto/ggm.js';
import {
  amount,
  hex,
  hexText,
  hexUpTo,
  integer,
  list,
  record,
  type Codec,
} from '../../protocol/ledger/canonical-codec.js';
import { encodeCanonical, parseCanonical, readAnyObject, readObject } from '../../protocol/ledger/canonical-json.js';
import { CATEGORY_COUNT, MAXIMUM_ROWS_PER_METER, MAXIMUM_SECONDS } from '../../protocol/ledger/limits.js';
import { PSEUDONYM_LENGTH } from '../../protocol/ledger/row.js';
import { MAXIMUM_METER_NUMBER } from '../../protocol/onion/control-center-payload.js';
import { HANDLE_PLACES } from '../../protocol/onion/geometry.js';
import type { MeterState, PendingEnrolment } from './state.js';

/**
 * Maximum number of ledgers in flight: two days of half hours without a seal. Beyond it the energy stays in the carry,
 * so that the state stays small.
 */
export const MAXIMUM_LEDGERS_IN_FLIGHT = 96;

/**
 * Maximum bytes of a meter's record: {@link MAXIMUM_LEDGERS_IN_FLIGHT} ledgers of 40 rows at 140 bytes, and its own
 * fields.
 */
const MAXIMUM_RECORD_BYTES = 600_000;

/** Maximum bytes of the certificate, the punctured tree or the encoded request, whichever is longest. */
const MAXIMUM_FIELD_BYTES = 4_096;

/** Content of a meter's sealed file. */
export type MeterRecord = { readonly pending: PendingEnrolment } | { readonly state: MeterState };

const seconds = integer(0, MAXIMUM_SECONDS);
const epoch = integer(0, MAXIMUM_EPOCH);
const k = integer(1, MAXIMUM_K);
const pseudonym = hex(PSEUDONYM_LENGTH);
const key = hex(KEY_LENGTH);
const digest = hex(DIGEST_LENGTH);

const pendingCodec: Codec<PendingEnrolment> = record({
  secretKey: key,
  meterKey: key,
  linkSeed: key,
  request: hexUpTo(MAXIMUM_FIELD_BYTES),
});

const stateCodec: Codec<MeterState> = record({
  identity: digest,
  meterNumber: integer(0, MAXIMUM_METER_NUMBER),
  firstEpoch: epoch,
  trustAnchor: digest,
  linkSeed: key,
  linkCertificate: hexText(MAXIMUM_FIELD_BYTES),
  tree: hexUpTo(MAXIMUM_FIELD_BYTES),
  keys: record({ epoch, linkKey: key, epochNode: key, nextK: integer(1, MAXIMUM_K + 1), previous: pseudonym }),
  nextMeasureSeconds: seconds,
  nextSealSeconds: seconds,
  previousSeal: digest,
  splitSeconds: seconds,
  capCategory: integer(0, CATEGORY_COUNT - 1),
  handles: list(HANDLE_PLACES, record({ epoch, k, pseudonym })),
  measured: amount,
  acknowledged: amount,
  carried: amount,
  ledgers: list(
    MAXIMUM_LEDGERS_IN_FLIGHT,
    record({
      startSeconds: seconds,
      epoch,
      rows: list(MAXIMUM_ROWS_PER_METER, record({ k, pseudonym, milliWattHours: amount })),
    }),
  ),
});

/** Encodes a record as canonical JSON. Secret: for the sealed file only. */
export function encodeRecord(content: MeterRecord): Uint8Array {
  return encodeCanonical(
    'pending' in content
      ? { pending: pendingCodec.toJson(content.pending) }
      : { state: stateCodec.toJson(content.state) },
  );
}

/** @throws ProtocolError LIMIT_EXCEEDED, MALFORMED, NON_CANONICAL */
export function decodeRecord(bytes: Uint8Array): MeterRecord {
  const value = parseCanonical(bytes, MAXIMUM_RECORD_BYTES);
  if (Object.hasOwn(readAnyObject(value), 'pending')) {
    return { pending: pendingCodec.fromJson(readObject(value, ['pending']).pending) };
  }
  return { state: stateCodec.fromJson(readObject(value, ['state']).state) };
}
