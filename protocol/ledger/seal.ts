// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { type Crypto, DIGEST_LENGTH, SIGNATURE_LENGTH, type SigningKey } from '../crypto/crypto.js';
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { digest } from '../crypto/hash.js';
import {
  encodeCanonical,
  type JsonObject,
  type JsonValue,
  parseCanonical,
  readAmount,
  readHex,
  readInteger,
  readObject,
  readOneOf,
} from './canonical-json.js';
import { signDocument, verifyDocument } from './document.js';
import { histogramFromJson, histogramToJson } from './header.js';
import { type LedgerId, ledgerIdFromJson, ledgerIdToJson } from './ledger-id.js';
import {
  MAXIMUM_METERS,
  MAXIMUM_PARAMETER_VERSIONS,
  MAXIMUM_ROWS,
  MAXIMUM_SEAL_BYTES,
  MAXIMUM_SECONDS,
} from './limits.js';
import type { HistogramEntry } from './page.js';
import { LEDGER_KINDS, type LedgerKind } from './row.js';

/**
 * CC's word that a ledger is complete: the paper's sigSign_CC(H_2(H_1(pk_CC) ‖ ledger ‖ T)).
 * After it nothing of that ledger changes. Digests are 32 bytes.
 */
export interface Seal {
  readonly kind: LedgerKind;
  readonly ledgerId: LedgerId;
  /** Of the header; on pricing and billing of the signed header. */
  readonly headerDigest: Uint8Array;
  /** Rows. */
  readonly count: number;
  /** Sum of the rows' values. */
  readonly total: bigint;
  readonly histogram: readonly HistogramEntry[];
  readonly parametersVersion: number;
  readonly parametersDigest: Uint8Array;
  readonly registryEpoch: number;
  readonly registryRoot: Uint8Array;
  /** Meters in the registry of the epoch; the tariff divides by it. */
  readonly registeredMeters: number;
  /** Consumption: relay directory of the epoch; pricing in price mode `direct`: its consumer list; zeros elsewhere. */
  readonly directoryDigest: Uint8Array;
  /** Digest of `consumption.index`; zeros on pricing and billing. */
  readonly indexDigest: Uint8Array;
  /** Digest of the seal that this one rests on: of consumption for pricing, of pricing for billing, zeros for consumption. */
  readonly basis: Uint8Array;
  /** Digest of the previous seal of this kind and region; zeros for the first. */
  readonly previous: Uint8Array;
  /** T: the scheduled close s + 2L + grace, Unix seconds. */
  readonly closeSeconds: number;
}

/** A seal with CC's signature, 64 bytes. */
export interface SignedSeal {
  readonly seal: Seal;
  readonly signature: Uint8Array;
}

/** Canonical JSON of a seal without its signature. */
export function encodeSeal(seal: Seal): Uint8Array {
  return encodeCanonical(sealToJson(seal));
}

/** Digest of a seal, which the next one and dependent ones bind: SHA-256(prefix('seal') ‖ canonical bytes). */
export function sealDigest(crypto: Crypto, seal: Seal): Uint8Array {
  return digest(crypto, 'seal', encodeSeal(seal));
}

/** Signs a seal with CC's signature key. */
export function signSeal(crypto: Crypto, seal: Seal, key: SigningKey): SignedSeal {
  return { seal, signature: signDocument(crypto, 'seal', encodeSeal(seal), key) };
}

/** Checks CC's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifySealSignature(crypto: Crypto, signed: SignedSeal, publicKey: Uint8Array): void {
  verifyDocument(crypto, 'seal', encodeSeal(signed.seal), signed.signature, publicKey);
}

/** Canonical JSON `{"seal":{…},"signature":"…"}`. */
export function encodeSignedSeal(signed: SignedSeal): Uint8Array {
  return encodeCanonical({ seal: sealToJson(signed.seal), signature: toHex(signed.signature) });
}

/** Reads a signed seal; the signature is not checked here. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeSignedSeal(bytes: Uint8Array): SignedSeal {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_SEAL_BYTES), ['seal', 'signature']);
  return { seal: sealFromJson(fields.seal), signature: readHex(fields.signature, SIGNATURE_LENGTH) };
}

/** A seal as JSON. */
export function sealToJson(seal: Seal): JsonObject {
  return {
    kind: seal.kind,
    ledgerId: ledgerIdToJson(seal.ledgerId),
    headerDigest: toHex(seal.headerDigest),
    count: seal.count,
    total: seal.total.toString(),
    histogram: histogramToJson(seal.histogram),
    parametersVersion: seal.parametersVersion,
    parametersDigest: toHex(seal.parametersDigest),
    registryEpoch: seal.registryEpoch,
    registryRoot: toHex(seal.registryRoot),
    registeredMeters: seal.registeredMeters,
    directoryDigest: toHex(seal.directoryDigest),
    indexDigest: toHex(seal.indexDigest),
    basis: toHex(seal.basis),
    previous: toHex(seal.previous),
    closeSeconds: seal.closeSeconds,
  };
}

/** Reads a seal from JSON. @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED` */
export function sealFromJson(value: JsonValue): Seal {
  const fields = readObject(value, [
    'kind',
    'ledgerId',
    'headerDigest',
    'count',
    'total',
    'histogram',
    'parametersVersion',
    'parametersDigest',
    'registryEpoch',
    'registryRoot',
    'registeredMeters',
    'directoryDigest',
    'indexDigest',
    'basis',
    'previous',
    'closeSeconds',
  ]);
  return {
    kind: readOneOf(fields.kind, LEDGER_KINDS),
    ledgerId: ledgerIdFromJson(fields.ledgerId),
    headerDigest: readHex(fields.headerDigest, DIGEST_LENGTH),
    count: readInteger(fields.count, 0, MAXIMUM_ROWS),
    total: readAmount(fields.total),
    histogram: histogramFromJson(fields.histogram),
    parametersVersion: readInteger(fields.parametersVersion, 1, MAXIMUM_PARAMETER_VERSIONS),
    parametersDigest: readHex(fields.parametersDigest, DIGEST_LENGTH),
    registryEpoch: readInteger(fields.registryEpoch, 0, MAXIMUM_EPOCH),
    registryRoot: readHex(fields.registryRoot, DIGEST_LENGTH),
    registeredMeters: readInteger(fields.registeredMeters, 1, MAXIMUM_METERS),
    directoryDigest: readHex(fields.directoryDigest, DIGEST_LENGTH),
    indexDigest: readHex(fields.indexDigest, DIGEST_LENGTH),
    basis: readHex(fields.basis, DIGEST_LENGTH),
    previous: readHex(fields.previous, DIGEST_LENGTH),
    closeSeconds: readInteger(fields.closeSeconds, 0, MAXIMUM_SECONDS),
  };
}
