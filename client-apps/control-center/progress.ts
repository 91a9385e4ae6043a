// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { SIGNATURE_LENGTH } from '../../protocol/crypto/crypto.js';
import {
  encodeCanonical,
  parseCanonical,
  readAnyObject,
  readHex,
  readInteger,
  readObject,
  type JsonValue,
} from '../../protocol/ledger/canonical-json.js';
import { MAXIMUM_SEAL_BYTES, MAXIMUM_SECONDS } from '../../protocol/ledger/limits.js';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { sealFromJson, sealToJson, type Seal, type SignedSeal } from '../../protocol/ledger/seal.js';

/**
 * How far the control center is. Intervals are frozen in order and settled (priced and billed) in order; the two run
 * apart when the service provider is away. The last seal of each kind is where the next one chains to.
 */
export interface Progress {
  /** Start of the first interval of all, Unix seconds. */
  readonly firstStartSeconds: number;
  /** Of the last frozen interval. */
  readonly consumption?: SignedSeal;
  /** Of the last settled interval. */
  readonly pricing?: SignedSeal;
  readonly billing?: SignedSeal;
}

/** Start of the next interval to be frozen. @param intervalSeconds L */
export function nextToFreeze(progress: Progress, intervalSeconds: number): number {
  return following(progress, progress.consumption?.seal, intervalSeconds);
}

/** Start of the next interval to be settled. @param intervalSeconds L */
export function nextToSettle(progress: Progress, intervalSeconds: number): number {
  return following(progress, progress.billing?.seal, intervalSeconds);
}

function following(progress: Progress, seal: Seal | undefined, intervalSeconds: number): number {
  return seal === undefined ? progress.firstStartSeconds : seal.ledgerId.startSeconds + intervalSeconds;
}

const KINDS: readonly LedgerKind[] = ['consumption', 'pricing', 'billing'];

export function encodeProgress(progress: Progress): Uint8Array {
  const json: Record<string, JsonValue> = { firstStartSeconds: progress.firstStartSeconds };
  for (const kind of KINDS) {
    const signed = progress[kind];
    if (signed !== undefined) json[kind] = { seal: sealToJson(signed.seal), signature: toHex(signed.signature) };
  }
  return encodeCanonical(json);
}

export function decodeProgress(bytes: Uint8Array): Progress {
  const json = readAnyObject(parseCanonical(bytes, (KINDS.length + 1) * MAXIMUM_SEAL_BYTES));
  const seals: Partial<Record<LedgerKind, SignedSeal>> = {};
  for (const kind of KINDS) {
    const value = json[kind];
    if (value === undefined) continue;
    const fields = readObject(value, ['seal', 'signature']);
    seals[kind] = { seal: sealFromJson(fields.seal), signature: readHex(fields.signature, SIGNATURE_LENGTH) };
  }
  return { firstStartSeconds: readInteger(json['firstStartSeconds']!, 0, MAXIMUM_SECONDS), ...seals };
}
