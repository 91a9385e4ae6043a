// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, fromHex, toHex } from '../../../protocol/crypto/bytes.js';
import { DIGEST_LENGTH } from '../../../protocol/crypto/crypto.js';
import { MAXIMUM_EPOCH, MAXIMUM_K } from '../../../protocol/crypto/ggm.js';
import { ProtocolError } from '../../../protocol/errors.js';
import {
  encodeCanonical,
  parseCanonical,
  readAmount,
  readArray,
  readHex,
  readInteger,
  readObject,
  readString,
  type JsonObject,
  type JsonValue,
} from '../../../protocol/ledger/canonical-json.js';
import { MAXIMUM_SECONDS } from '../../../protocol/ledger/limits.js';
import { LEDGER_KINDS, PSEUDONYM_LENGTH } from '../../../protocol/ledger/row.js';
import { sealFromJson, sealToJson, type Seal } from '../../../protocol/ledger/seal.js';
import type { Handle } from '../../../protocol/onion/hub-payload.js';
import type { IntervalSeals } from '../../../protocol/rules/verify-interval.js';
import { MAXIMUM_OPEN, MAXIMUM_SEEN, MAXIMUM_WINDOWS } from './handles.js';
import type { HubState, HubSums, OpenHandle, WindowTotals } from './state.js';

/** Maximum bytes of a hub's state: {@link MAXIMUM_OPEN} handles of 130 bytes, three seals, and its own fields. */
const MAXIMUM_STATE_BYTES = 400_000;
const MAXIMUM_CERTIFICATE_BYTES = 4_096;

/** Encodes a hub's state as canonical JSON. Secret: for the sealed file only. */
export function encodeHubState(state: HubState): Uint8Array {
  return encodeCanonical({
    certificate: toHex(asciiBytes(state.certificate)),
    trustAnchor: toHex(state.trustAnchor),
    nextSeconds: state.nextSeconds,
    previousSeals: optional(state.previousSeals, sealsJson),
    suspectSeconds: optional(state.suspectSeconds, (seconds) => seconds),
    open: state.open.map((handle) => ({ ...handleJson(handle), ledgerSeconds: handle.ledgerSeconds })),
    seen: state.seen.map(handleJson),
    totals: state.totals.map(({ ledgerSeconds, slotSeconds, measured, carried }) => ({
      ledgerSeconds,
      slotSeconds,
      measured: measured.toString(),
      carried: carried.toString(),
    })),
    offset: optional(state.offset, (offset) => offset.toString()),
    unpublishedSeconds: optional(state.unpublishedSeconds, (seconds) => seconds),
    sums: {
      ...state.sums,
      onLedgerMilliWattHours: state.sums.onLedgerMilliWattHours.toString(),
      billedNanoCurrency: state.sums.billedNanoCurrency.toString(),
    },
  });
}

/** @throws ProtocolError LIMIT_EXCEEDED, MALFORMED, NON_CANONICAL */
export function decodeHubState(bytes: Uint8Array): HubState {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_STATE_BYTES), [
    'certificate',
    'trustAnchor',
    'nextSeconds',
    'previousSeals',
    'suspectSeconds',
    'open',
    'seen',
    'totals',
    'offset',
    'unpublishedSeconds',
    'sums',
  ]);
  return {
    certificate: new TextDecoder().decode(fromHex(readString(fields.certificate, 2 * MAXIMUM_CERTIFICATE_BYTES))),
    trustAnchor: readHex(fields.trustAnchor, DIGEST_LENGTH),
    nextSeconds: readSeconds(fields.nextSeconds),
    previousSeals: readOptional(fields.previousSeals, sealsFromJson),
    suspectSeconds: readOptional(fields.suspectSeconds, readSeconds),
    open: readArray(fields.open, MAXIMUM_OPEN, openHandleFromJson),
    seen: readArray(fields.seen, MAXIMUM_SEEN, (value) =>
      handleFromJson(readObject(value, ['epoch', 'k', 'pseudonym'])),
    ),
    totals: readArray(fields.totals, MAXIMUM_WINDOWS, totalsFromJson),
    offset: readOptional(fields.offset, readSignedAmount),
    unpublishedSeconds: readOptional(fields.unpublishedSeconds, readSeconds),
    sums: sumsFromJson(fields.sums),
  };
}

/** Canonical JSON has no null: an optional value is a list of zero or one. */
function optional<T>(value: T | undefined, toJson: (value: T) => JsonValue): JsonValue {
  return value === undefined ? [] : [toJson(value)];
}

function readOptional<T>(value: JsonValue, fromJson: (value: JsonValue) => T): T | undefined {
  return readArray(value, 1, fromJson)[0];
}

function sealsJson(seals: IntervalSeals): JsonValue {
  return LEDGER_KINDS.flatMap((kind) => (seals[kind] === undefined ? [] : [sealToJson(seals[kind])]));
}

function sealsFromJson(value: JsonValue): IntervalSeals {
  const seals = readArray(value, LEDGER_KINDS.length, sealFromJson);
  const [consumption] = seals;
  if (consumption === undefined || seals.some(({ kind }, place) => kind !== LEDGER_KINDS[place])) {
    throw new ProtocolError('MALFORMED', 'seals are consumption, then pricing, then billing');
  }
  return { ...(Object.fromEntries(seals.map((seal) => [seal.kind, seal])) as Record<string, Seal>), consumption };
}

function handleJson({ epoch, k, pseudonym }: Handle): JsonObject {
  return { epoch, k, pseudonym: toHex(pseudonym) };
}

function handleFromJson(fields: Record<'epoch' | 'k' | 'pseudonym', JsonValue>): Handle {
  return {
    epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
    k: readInteger(fields.k, 1, MAXIMUM_K),
    pseudonym: readHex(fields.pseudonym, PSEUDONYM_LENGTH),
  };
}

function openHandleFromJson(value: JsonValue): OpenHandle {
  const fields = readObject(value, ['epoch', 'k', 'pseudonym', 'ledgerSeconds']);
  return { ...handleFromJson(fields), ledgerSeconds: readSeconds(fields.ledgerSeconds) };
}

function totalsFromJson(value: JsonValue): WindowTotals {
  const fields = readObject(value, ['ledgerSeconds', 'slotSeconds', 'measured', 'carried']);
  return {
    ledgerSeconds: readSeconds(fields.ledgerSeconds),
    slotSeconds: readSeconds(fields.slotSeconds),
    measured: readAmount(fields.measured),
    carried: readAmount(fields.carried),
  };
}

function sumsFromJson(value: JsonValue): HubSums {
  const fields = readObject(value, [
    'intervals',
    'fullChecks',
    'rows',
    'onLedgerMilliWattHours',
    'billedNanoCurrency',
    'unpublished',
    'disputes',
  ]);
  const count = (field: JsonValue): number => readInteger(field, 0, Number.MAX_SAFE_INTEGER);
  return {
    intervals: count(fields.intervals),
    fullChecks: count(fields.fullChecks),
    rows: count(fields.rows),
    onLedgerMilliWattHours: readAmount(fields.onLedgerMilliWattHours),
    billedNanoCurrency: readAmount(fields.billedNanoCurrency),
    unpublished: count(fields.unpublished),
    disputes: count(fields.disputes),
  };
}

function readSeconds(value: JsonValue): number {
  return readInteger(value, 0, MAXIMUM_SECONDS);
}

/** Reads the one amount that may be negative: a hub can find more on the ledger than its meter reports. */
function readSignedAmount(value: JsonValue): bigint {
  const text = readString(value, 40);
  const amount = text.startsWith('-') ? -readAmount(text.slice(1)) : readAmount(text);
  if (amount.toString() !== text) {
    throw new ProtocolError('MALFORMED', 'expected a signed amount, not -0');
  }
  return amount;
}
