// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, fromHex, toHex } from '../../protocol/crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { MAXIMUM_EPOCH, MAXIMUM_K } from '../../protocol/crypto/ggm.js';
import {
  encodeCanonical,
  parseCanonical,
  readAmount,
  readAnyObject,
  readArray,
  readHex,
  readInteger,
  readObject,
  readString,
  type JsonObject,
  type JsonValue,
} from '../../protocol/ledger/canonical-json.js';
import {
  CATEGORY_COUNT,
  MAXIMUM_CONNECTION_WATTS,
  MAXIMUM_ROWS_PER_METER,
  MAXIMUM_SECONDS,
} from '../../protocol/ledger/limits.js';
import { PSEUDONYM_LENGTH } from '../../protocol/ledger/row.js';
import { MAXIMUM_METER_NUMBER } from '../../protocol/onion/control-center-payload.js';
import { HANDLE_PLACES } from '../../protocol/onion/geometry.js';
import type { Handle } from '../../protocol/onion/hub-payload.js';
import type { EpochKeys, LedgerInFlight, MeterState, PendingEnrolment, RowInFlight } from './state.js';

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

/** Encodes a record as canonical JSON. Secret: for the sealed file only. */
export function encodeRecord(record: MeterRecord): Uint8Array {
  return encodeCanonical(
    'pending' in record ? { pending: pendingJson(record.pending) } : { state: stateJson(record.state) },
  );
}

/** @throws ProtocolError LIMIT_EXCEEDED, MALFORMED, NON_CANONICAL */
export function decodeRecord(bytes: Uint8Array): MeterRecord {
  const value = parseCanonical(bytes, MAXIMUM_RECORD_BYTES);
  if (Object.hasOwn(readAnyObject(value), 'pending')) {
    return { pending: pendingFromJson(readObject(value, ['pending']).pending) };
  }
  return { state: stateFromJson(readObject(value, ['state']).state) };
}

function pendingJson(pending: PendingEnrolment): JsonObject {
  return {
    secretKey: toHex(pending.secretKey),
    meterKey: toHex(pending.meterKey),
    linkSeed: toHex(pending.linkSeed),
    request: toHex(pending.request),
  };
}

function pendingFromJson(value: JsonValue): PendingEnrolment {
  const fields = readObject(value, ['secretKey', 'meterKey', 'linkSeed', 'request']);
  return {
    secretKey: readHex(fields.secretKey, KEY_LENGTH),
    meterKey: readHex(fields.meterKey, KEY_LENGTH),
    linkSeed: readHex(fields.linkSeed, KEY_LENGTH),
    request: readBytes(fields.request),
  };
}

function stateJson(state: MeterState): JsonObject {
  return {
    identity: toHex(state.identity),
    meterNumber: state.meterNumber,
    firstEpoch: state.firstEpoch,
    connectionLimitWatts: state.connectionLimitWatts,
    trustAnchor: toHex(state.trustAnchor),
    linkSeed: toHex(state.linkSeed),
    linkCertificate: toHex(asciiBytes(state.linkCertificate)),
    tree: toHex(state.tree),
    keys: {
      epoch: state.keys.epoch,
      linkKey: toHex(state.keys.linkKey),
      epochNode: toHex(state.keys.epochNode),
      nextK: state.keys.nextK,
      previous: toHex(state.keys.previous),
    },
    nextMeasureSeconds: state.nextMeasureSeconds,
    nextSealSeconds: state.nextSealSeconds,
    previousSeal: toHex(state.previousSeal),
    splitSeconds: state.splitSeconds,
    capCategory: state.capCategory,
    handles: state.handles.map(({ epoch, k, pseudonym }) => ({ epoch, k, pseudonym: toHex(pseudonym) })),
    measured: state.measured.toString(),
    acknowledged: state.acknowledged.toString(),
    carried: state.carried.toString(),
    ledgers: state.ledgers.map(({ startSeconds, epoch, rows }) => ({
      startSeconds,
      epoch,
      rows: rows.map(({ k, pseudonym, milliWattHours }) => ({
        k,
        pseudonym: toHex(pseudonym),
        milliWattHours: milliWattHours.toString(),
      })),
    })),
  };
}

function stateFromJson(value: JsonValue): MeterState {
  const fields = readObject(value, [
    'identity',
    'meterNumber',
    'firstEpoch',
    'connectionLimitWatts',
    'trustAnchor',
    'linkSeed',
    'linkCertificate',
    'tree',
    'keys',
    'nextMeasureSeconds',
    'nextSealSeconds',
    'previousSeal',
    'splitSeconds',
    'capCategory',
    'handles',
    'measured',
    'acknowledged',
    'carried',
    'ledgers',
  ]);
  return {
    identity: readHex(fields.identity, DIGEST_LENGTH),
    meterNumber: readInteger(fields.meterNumber, 0, MAXIMUM_METER_NUMBER),
    firstEpoch: readInteger(fields.firstEpoch, 0, MAXIMUM_EPOCH),
    connectionLimitWatts: readInteger(fields.connectionLimitWatts, 1, MAXIMUM_CONNECTION_WATTS),
    trustAnchor: readHex(fields.trustAnchor, DIGEST_LENGTH),
    linkSeed: readHex(fields.linkSeed, KEY_LENGTH),
    linkCertificate: new TextDecoder().decode(readBytes(fields.linkCertificate)),
    tree: readBytes(fields.tree),
    keys: keysFromJson(fields.keys),
    nextMeasureSeconds: readSeconds(fields.nextMeasureSeconds),
    nextSealSeconds: readSeconds(fields.nextSealSeconds),
    previousSeal: readHex(fields.previousSeal, DIGEST_LENGTH),
    splitSeconds: readSeconds(fields.splitSeconds),
    capCategory: readInteger(fields.capCategory, 0, CATEGORY_COUNT - 1),
    handles: readArray(fields.handles, HANDLE_PLACES, handleFromJson),
    measured: readAmount(fields.measured),
    acknowledged: readAmount(fields.acknowledged),
    carried: readAmount(fields.carried),
    ledgers: readArray(fields.ledgers, MAXIMUM_LEDGERS_IN_FLIGHT, ledgerFromJson),
  };
}

function keysFromJson(value: JsonValue): EpochKeys {
  const fields = readObject(value, ['epoch', 'linkKey', 'epochNode', 'nextK', 'previous']);
  return {
    epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
    linkKey: readHex(fields.linkKey, KEY_LENGTH),
    epochNode: readHex(fields.epochNode, KEY_LENGTH),
    nextK: readInteger(fields.nextK, 1, MAXIMUM_K + 1),
    previous: readHex(fields.previous, PSEUDONYM_LENGTH),
  };
}

function handleFromJson(value: JsonValue): Handle {
  const fields = readObject(value, ['epoch', 'k', 'pseudonym']);
  return {
    epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
    k: readInteger(fields.k, 1, MAXIMUM_K),
    pseudonym: readHex(fields.pseudonym, PSEUDONYM_LENGTH),
  };
}

function ledgerFromJson(value: JsonValue): LedgerInFlight {
  const fields = readObject(value, ['startSeconds', 'epoch', 'rows']);
  return {
    startSeconds: readSeconds(fields.startSeconds),
    epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
    rows: readArray(fields.rows, MAXIMUM_ROWS_PER_METER, rowFromJson),
  };
}

function rowFromJson(value: JsonValue): RowInFlight {
  const fields = readObject(value, ['k', 'pseudonym', 'milliWattHours']);
  return {
    k: readInteger(fields.k, 1, MAXIMUM_K),
    pseudonym: readHex(fields.pseudonym, PSEUDONYM_LENGTH),
    milliWattHours: readAmount(fields.milliWattHours),
  };
}

function readSeconds(value: JsonValue): number {
  return readInteger(value, 0, MAXIMUM_SECONDS);
}

/** Reads bytes of any length; their users check the structure. */
function readBytes(value: JsonValue): Uint8Array {
  return fromHex(readString(value, 2 * MAXIMUM_FIELD_BYTES));
}
