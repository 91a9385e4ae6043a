// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import type { Signer } from '@hyperledger/fabric-gateway';
import { lowSDer } from '../../protocol/crypto/p256-signature.js';

/**
 * A signer for `hash.none`: it gets the whole message, and OpenSSL hashes and signs in one call (22–30 µs against
 * 270–430 µs for the SDK's portable signer). ECDSA P-256 with SHA-256, DER, with **low s**: Fabric refuses the other
 * of the two valid signatures, and OpenSSL makes either.
 * @param privateKeyPem PKCS #8 or SEC 1 PEM of a P-256 key.
 */
export function lowSSigner(privateKeyPem: string | KeyObject): Signer {
  const key = typeof privateKeyPem === 'string' ? createPrivateKey(privateKeyPem) : privateKeyPem;
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new TypeError('a Fabric identity needs a P-256 key');
  }
  // ieee-p1363 is r ‖ s, from which DER is built once, rather than taken apart and built again.
  return (message) => Promise.resolve(lowSDer(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })));
}
