// SPDX-License-Identifier: Apache-2.0
import { type Crypto, DIGEST_LENGTH, type SigningKey } from '../crypto/crypto.js';
import { digest, H2 } from '../crypto/hash.js';
import { ProtocolError } from '../errors.js';

/** Documents that are signed as a whole; the name separates their digests from each other. */
export type DocumentDomain =
  | 'provider-header'
  | 'seal'
  | 'parameters'
  | 'tariff'
  | 'registry-root'
  | 'directory'
  | 'descriptor'
  | 'consumers'
  | 'successor';

/** Placeholder where a digest does not apply: the first of a chain, or a field of another kind of ledger. */
export const NO_DIGEST: Uint8Array = new Uint8Array(DIGEST_LENGTH);

/**
 * Signs a document: Ed25519 over H2(SHA-256(prefix(domain) ‖ canonical bytes)), 32 bytes under H2,
 * so that no document's signature is ever a row's (81 bytes under H2).
 *
 * @returns 64 bytes
 */
export function signDocument(
  crypto: Crypto,
  domain: DocumentDomain,
  canonicalBytes: Uint8Array,
  key: SigningKey,
): Uint8Array {
  return key.sign(H2(crypto, digest(crypto, domain, canonicalBytes)));
}

/** A signature, 64 bytes, and whose it must be. */
export interface SignatureBy {
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Checks a document's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifyDocument(
  crypto: Crypto,
  domain: DocumentDomain,
  canonicalBytes: Uint8Array,
  { signature, publicKey }: SignatureBy,
): void {
  if (!crypto.ed25519Verify(signature, H2(crypto, digest(crypto, domain, canonicalBytes)), publicKey)) {
    throw new ProtocolError('BAD_SIGNATURE', `signature of the ${domain} is not valid`);
  }
}
