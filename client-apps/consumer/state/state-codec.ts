// SPDX-License-Identifier: Apache-2.0
import { DIGEST_LENGTH } from '../../../protocol/crypto/crypto.js';
import { MAXIMUM_EPOCH, MAXIMUM_K } from '../../../protocol/crypto/ggm.js';
import { ProtocolError } from '../../../protocol/errors.js';
import {
  amount,
  decodeAs,
  encodeAs,
  hex,
  hexText,
  integer,
  list,
  optional,
  record,
  type Codec,
} from '../../../protocol/ledger/canonical-codec.js';
import { readAmount, readArray, readString } from '../../../protocol/ledger/canonical-json.js';
import { MAXIMUM_SECONDS } from '../../../protocol/ledger/limits.js';
import { LEDGER_KINDS, PSEUDONYM_LENGTH } from '../../../protocol/ledger/row.js';
import { sealFromJson, sealToJson, type Seal } from '../../../protocol/ledger/seal.js';
import type { IntervalSeals } from '../../../protocol/rules/verify-interval.js';
import { MAXIMUM_OPEN, MAXIMUM_SEEN, MAXIMUM_WINDOWS } from './handles.js';
import type { HubState } from './state.js';

/** Maximum bytes of a hub's state: {@link MAXIMUM_OPEN} handles of 130 bytes, three seals, and its own fields. */
const MAXIMUM_STATE_BYTES = 400_000;
const MAXIMUM_CERTIFICATE_BYTES = 4_096;

const seconds = integer(0, MAXIMUM_SECONDS);
const count = integer(0, Number.MAX_SAFE_INTEGER);
const handle = { epoch: integer(0, MAXIMUM_EPOCH), k: integer(1, MAXIMUM_K), pseudonym: hex(PSEUDONYM_LENGTH) };

/** The seals of an interval that there are. */
const seals: Codec<IntervalSeals> = {
  toJson: (value) => LEDGER_KINDS.flatMap((kind) => (value[kind] === undefined ? [] : [sealToJson(value[kind])])),
  fromJson: (json) => {
    const found = readArray(json, LEDGER_KINDS.length, sealFromJson);
    const [consumption] = found;
    if (consumption === undefined || found.some(({ kind }, place) => kind !== LEDGER_KINDS[place])) {
      throw new ProtocolError('MALFORMED', 'seals are consumption, then pricing, then billing');
    }
    return { ...(Object.fromEntries(found.map((seal) => [seal.kind, seal])) as Record<string, Seal>), consumption };
  },
};

/** The one amount that may be negative: a hub can find more on the ledger than its meter reports. */
const signedAmount: Codec<bigint> = {
  toJson: (value) => value.toString(),
  fromJson: (json) => {
    const text = readString(json, 40);
    const amount = text.startsWith('-') ? -readAmount(text.slice(1)) : readAmount(text);
    if (amount.toString() !== text) {
      throw new ProtocolError('MALFORMED', 'expected a signed amount, not -0');
    }
    return amount;
  },
};

const stateCodec: Codec<HubState> = record({
  certificate: hexText(MAXIMUM_CERTIFICATE_BYTES),
  trustAnchor: hex(DIGEST_LENGTH),
  nextSeconds: seconds,
  previousSeals: optional(seals),
  suspectSeconds: optional(seconds),
  open: list(MAXIMUM_OPEN, record({ ...handle, ledgerSeconds: seconds })),
  seen: list(MAXIMUM_SEEN, record(handle)),
  totals: list(
    MAXIMUM_WINDOWS,
    record({ ledgerSeconds: seconds, slotSeconds: seconds, measured: amount, carried: amount }),
  ),
  offset: optional(signedAmount),
  unpublishedSeconds: optional(seconds),
  sums: record({
    intervals: count,
    fullChecks: count,
    rows: count,
    onLedgerMilliWattHours: amount,
    billedNanoCurrency: amount,
    unpublished: count,
    disputes: count,
  }),
});

/** Encodes a hub's state as canonical JSON. Secret: for the sealed file only. */
export function encodeHubState(state: HubState): Uint8Array {
  return encodeAs(stateCodec, state);
}

/** @throws ProtocolError LIMIT_EXCEEDED, MALFORMED, NON_CANONICAL */
export function decodeHubState(bytes: Uint8Array): HubState {
  return decodeAs(stateCodec, bytes, MAXIMUM_STATE_BYTES);
}
