// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { SIGNATURE_LENGTH } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import {
  encodeCanonical,
  type JsonObject,
  type JsonValue,
  parseCanonical,
  readAnyObject,
  readArray,
  readHex,
  readObject,
} from './canonical-json.js';
import { type Header, headerFromJson, headerToJson } from './header.js';
import type { LedgerId } from './ledger-id.js';
import { MAXIMUM_PARAMETER_VERSIONS, MAXIMUM_PARAMETERS_FILE_BYTES, MAXIMUM_SEALS_FILE_BYTES } from './limits.js';
import { type SignedParameters } from './parameters.js';
import { signedParametersFromJson, signedParametersToJson } from './parameters-json.js';
import { LEDGER_KINDS, type LedgerKind } from './row.js';
import { sealFromJson, sealToJson, type SignedSeal } from './seal.js';
import type { SignedHeader } from './signed-header.js';

/** The list of parameter versions, beside `bulletin/`. */
export const PARAMETERS_FILE = 'parameters.json';

/** Headers and seals of an interval, in its folder. */
export const SEALS_FILE = 'seals.json';

/** The index of the consumption ledger, in the interval's folder. */
export const INDEX_FILE = 'consumption.index';

/** The rows of a ledger, in the interval's folder. */
export const ROWS_FILE = {
  consumption: 'consumption.rows',
  pricing: 'pricing.rows',
  billing: 'billing.rows',
} as const satisfies Record<LedgerKind, string>;

/** Folder of an interval, relative to the bulletin's root, with `/`. */
export function intervalFolder(ledgerId: LedgerId): string {
  return `bulletin/${ledgerId.region}/${ledgerId.startSeconds}`;
}

/** The signed relay directory of an epoch, relative to the bulletin's root. */
export function directoryFile(region: string, epoch: number): string {
  return `bulletin/${region}/directory/${epoch}.json`;
}

/** The signed list of an epoch's consumers (price mode `direct`), relative to the bulletin's root. */
export function consumersFile(region: string, epoch: number): string {
  return `bulletin/${region}/consumers/${epoch}.json`;
}

/** A ledger's header with its seal. */
export interface SealedLedger extends SignedSeal {
  readonly header: Header;
}

/** A ledger of the service provider's: its signed header with CC's seal. */
export type ProvidedLedger = SealedLedger & SignedHeader;

/** `seals.json`: the seals of an interval so far. Billing is present only with pricing. */
export interface SealsFile {
  readonly consumption: SealedLedger;
  readonly pricing?: ProvidedLedger;
  readonly billing?: ProvidedLedger;
}

/** The last kind that an interval has sealed. */
export function stageOf(seals: SealsFile): LedgerKind {
  if (seals.billing !== undefined) {
    return 'billing';
  }
  return seals.pricing === undefined ? 'consumption' : 'pricing';
}

const SEALED_FIELDS = ['header', 'seal', 'signature'] as const;

/** Canonical JSON of `seals.json`. */
export function encodeSealsFile(seals: SealsFile): Uint8Array {
  const json: Record<string, JsonValue> = { consumption: sealedLedgerToJson(seals.consumption) };
  for (const kind of ['pricing', 'billing'] as const) {
    const sealed = seals[kind];
    if (sealed !== undefined) {
      json[kind] = providedLedgerToJson(sealed);
    }
  }
  return encodeCanonical(json);
}

/**
 * Reads `seals.json`; what it says is for `rules/verify-interval`.
 *
 * @throws ProtocolError as `parseCanonical` and the readers; `MALFORMED` when a seal is under the name of another kind
 */
export function decodeSealsFile(bytes: Uint8Array): SealsFile {
  const json = readAnyObject(parseCanonical(bytes, MAXIMUM_SEALS_FILE_BYTES));
  const sealed = LEDGER_KINDS.filter((kind) => Object.hasOwn(json, kind));
  if (sealed.length === 0 || sealed.some((kind, i) => kind !== LEDGER_KINDS[i])) {
    throw new ProtocolError('MALFORMED', 'seals are consumption, then pricing, then billing');
  }
  const fields = readObject(json, sealed);
  return {
    consumption: sealedLedgerFromJson(readObject(fields.consumption, SEALED_FIELDS), 'consumption'),
    ...(sealed.includes('pricing') && { pricing: providedLedgerFromJson(fields.pricing, 'pricing') }),
    ...(sealed.includes('billing') && { billing: providedLedgerFromJson(fields.billing, 'billing') }),
  };
}

/** Canonical JSON `{"versions":[…]}`. */
export function encodeParametersFile(versions: readonly SignedParameters[]): Uint8Array {
  return encodeCanonical({ versions: versions.map(signedParametersToJson) });
}

/** Reads `parameters.json`; `verifyParametersList` judges it. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeParametersFile(bytes: Uint8Array): SignedParameters[] {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_PARAMETERS_FILE_BYTES), ['versions']);
  return readArray(fields.versions, MAXIMUM_PARAMETER_VERSIONS, signedParametersFromJson);
}

/** A sealed ledger of the service provider's as JSON. */
export function providedLedgerToJson(sealed: ProvidedLedger): JsonObject {
  return { ...sealedLedgerToJson(sealed), headerSignature: toHex(sealed.headerSignature) };
}

function sealedLedgerToJson(sealed: SealedLedger): JsonObject {
  return {
    header: headerToJson(sealed.header),
    seal: sealToJson(sealed.seal),
    signature: toHex(sealed.signature),
  };
}

/** Reads a sealed ledger of the service provider's from JSON. @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED` */
export function providedLedgerFromJson(value: JsonValue, kind: LedgerKind): ProvidedLedger {
  const fields = readObject(value, ['header', 'headerSignature', 'seal', 'signature']);
  const headerSignature = readHex(fields.headerSignature, SIGNATURE_LENGTH);
  return { ...sealedLedgerFromJson(fields, kind), headerSignature };
}

function sealedLedgerFromJson(
  fields: Readonly<Record<(typeof SEALED_FIELDS)[number], JsonValue>>,
  kind: LedgerKind,
): SealedLedger {
  const header = headerFromJson(fields.header);
  const seal = sealFromJson(fields.seal);
  if (header.kind !== kind || seal.kind !== kind) {
    throw new ProtocolError('MALFORMED', `the seal under ${kind} is of another kind`);
  }
  return { header, seal, signature: readHex(fields.signature, SIGNATURE_LENGTH) };
}
