// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { type Crypto, DIGEST_LENGTH, KEY_LENGTH, SIGNATURE_LENGTH, type SigningKey } from '../crypto/crypto.js';
import {
  encodeCanonical,
  type JsonObject,
  type JsonValue,
  parseCanonical,
  readHex,
  readInteger,
  readObject,
  readOneOf,
  readString,
} from './canonical-json.js';
import { signDocument, verifyDocument } from './document.js';
import { checkRegion, REGION_LENGTH } from './ledger-id.js';
import { MAXIMUM_PARAMETER_VERSIONS, MAXIMUM_SECONDS, MAXIMUM_SUCCESSOR_BYTES } from './limits.js';
import { type ServiceProviderParameters, serviceProviderFromJson, serviceProviderToJson } from './service-provider.js';
import { PROVIDED_KINDS, type ProvidedKind } from './row.js';

/**
 * CC's word that another service provider writes one of the two ledgers from an interval on, in place of one that has
 * vanished. It applies under every version of the parameters that names the same service provider.
 */
export interface Successor {
  readonly kind: ProvidedKind;
  readonly region: string;
  /** Start of the oldest interval that was not sealed on this ledger, Unix seconds. */
  readonly fromSeconds: number;
  /** The version in force in that interval, whose service provider has vanished. */
  readonly parametersVersion: number;
  readonly parametersDigest: Uint8Array;
  readonly serviceProvider: ServiceProviderParameters;
  /** pk_SP of the new one, X25519: with it CC makes the key of the price rows' pseudonyms. */
  readonly serviceProviderKey: Uint8Array;
}

/** A successor document with CC's signature, 64 bytes. */
export interface SignedSuccessor {
  readonly successor: Successor;
  readonly signature: Uint8Array;
}

/** The successors of a version's service provider, by ledger; there is at least one. */
export type Successors = { readonly [kind in ProvidedKind]?: SignedSuccessor };

/** Signs a document with CC's signature key of the version that it names. */
export function signSuccessor(crypto: Crypto, successor: Successor, key: SigningKey): SignedSuccessor {
  return { successor, signature: signDocument(crypto, 'successor', encodeCanonical(successorToJson(successor)), key) };
}

/** Checks CC's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifySuccessorSignature(crypto: Crypto, signed: SignedSuccessor, publicKey: Uint8Array): void {
  verifyDocument(crypto, 'successor', encodeCanonical(successorToJson(signed.successor)), {
    signature: signed.signature,
    publicKey,
  });
}

/** Canonical JSON `{"signature":"…","successor":{…}}`. */
export function encodeSignedSuccessor(signed: SignedSuccessor): Uint8Array {
  return encodeCanonical(signedSuccessorToJson(signed));
}

/** Reads a signed document; `checkSuccessor` judges it. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeSignedSuccessor(bytes: Uint8Array): SignedSuccessor {
  return signedSuccessorFromJson(parseCanonical(bytes, MAXIMUM_SUCCESSOR_BYTES));
}

/** A signed document as JSON. */
export function signedSuccessorToJson({ successor, signature }: SignedSuccessor): JsonObject {
  return { successor: successorToJson(successor), signature: toHex(signature) };
}

/** Reads a signed document from JSON. @throws ProtocolError `MALFORMED` */
export function signedSuccessorFromJson(value: JsonValue): SignedSuccessor {
  const signed = readObject(value, ['successor', 'signature']);
  const fields = readObject(signed.successor, [
    'kind',
    'region',
    'fromSeconds',
    'parametersVersion',
    'parametersDigest',
    'serviceProvider',
    'serviceProviderKey',
  ]);
  return {
    successor: {
      kind: readOneOf(fields.kind, PROVIDED_KINDS),
      region: checkRegion(readString(fields.region, REGION_LENGTH)),
      fromSeconds: readInteger(fields.fromSeconds, 0, MAXIMUM_SECONDS),
      parametersVersion: readInteger(fields.parametersVersion, 1, MAXIMUM_PARAMETER_VERSIONS),
      parametersDigest: readHex(fields.parametersDigest, DIGEST_LENGTH),
      serviceProvider: serviceProviderFromJson(fields.serviceProvider),
      serviceProviderKey: readHex(fields.serviceProviderKey, KEY_LENGTH),
    },
    signature: readHex(signed.signature, SIGNATURE_LENGTH),
  };
}

function successorToJson(successor: Successor): JsonObject {
  return {
    kind: successor.kind,
    region: successor.region,
    fromSeconds: successor.fromSeconds,
    parametersVersion: successor.parametersVersion,
    parametersDigest: toHex(successor.parametersDigest),
    serviceProvider: serviceProviderToJson(successor.serviceProvider),
    serviceProviderKey: toHex(successor.serviceProviderKey),
  };
}
