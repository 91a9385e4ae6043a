// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { type Crypto, SIGNATURE_LENGTH, type SigningKey } from '../crypto/crypto.js';
import { digest } from '../crypto/hash.js';
import { encodeCanonical, parseCanonical, readHex, readObject } from './canonical-json.js';
import { signDocument, verifyDocument } from './document.js';
import { type Header, headerDigest, headerFromJson, headerToJson } from './header.js';
import { ledgerIdToJson } from './ledger-id.js';
import { MAXIMUM_HEADER_BYTES } from './limits.js';

/** A header of pricing or billing with the service provider's signature, 64 bytes. */
export interface SignedHeader {
  readonly header: Header;
  readonly headerSignature: Uint8Array;
}

/**
 * Digests of what the service provider computed its rows from, 32 bytes each. Its signature binds them, so that nobody
 * can hold a header against another seal or another version of the parameters.
 */
export interface HeaderBasis {
  /** Digest of the seal that the header rests on: of consumption for pricing, of pricing for billing. */
  readonly basis: Uint8Array;
  /** Digest of the version of the parameters in force. */
  readonly parametersDigest: Uint8Array;
}

/** Bytes of one signed header: the header, its signature and the two names. */
export const MAXIMUM_SIGNED_HEADER_BYTES = MAXIMUM_HEADER_BYTES + 200;

/** Signs a header with the service provider's signature key. */
export function signHeader(crypto: Crypto, header: Header, basis: HeaderBasis, key: SigningKey): SignedHeader {
  const headerSignature = signDocument(crypto, 'provider-header', signedBytes(crypto, header, basis), key);
  return { header, headerSignature };
}

/** Checks the service provider's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifyHeaderSignature(
  crypto: Crypto,
  { header, headerSignature }: SignedHeader,
  basis: HeaderBasis,
  publicKey: Uint8Array,
): void {
  verifyDocument(crypto, 'provider-header', signedBytes(crypto, header, basis), headerSignature, publicKey);
}

/** Canonical JSON `{"header":{…},"signature":"…"}`. */
export function encodeSignedHeader({ header, headerSignature }: SignedHeader): Uint8Array {
  return encodeCanonical({ header: headerToJson(header), signature: toHex(headerSignature) });
}

/** Reads a signed header; the signature is not checked here. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeSignedHeader(bytes: Uint8Array): SignedHeader {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_SIGNED_HEADER_BYTES), ['header', 'signature']);
  return { header: headerFromJson(fields.header), headerSignature: readHex(fields.signature, SIGNATURE_LENGTH) };
}

/**
 * Digest that choice and seal bind, signature included: SHA-256(prefix('header') ‖ canonical bytes of the signed header).
 */
export function signedHeaderDigest(crypto: Crypto, signed: SignedHeader): Uint8Array {
  return digest(crypto, 'header', encodeSignedHeader(signed));
}

function signedBytes(crypto: Crypto, header: Header, { basis, parametersDigest }: HeaderBasis): Uint8Array {
  return encodeCanonical({
    kind: header.kind,
    ledgerId: ledgerIdToJson(header.ledgerId),
    headerDigest: toHex(headerDigest(crypto, header)),
    basis: toHex(basis),
    parametersDigest: toHex(parametersDigest),
  });
}
