// SPDX-License-Identifier: Apache-2.0
import { sign, verify, type KeyObject } from 'node:crypto';
import { isLowSDer, lowSDer } from '../../../protocol/crypto/p256-signature.js';

/** ECDSA P-256 with SHA-256 in DER, with low s. */
export function signLowS(key: KeyObject, message: Uint8Array): Uint8Array {
  return lowSDer(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
}

/** Whether `signature` is a DER signature of `message` with low s. */
export function verifyLowS(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return isLowSDer(signature) && verify('sha256', message, key, signature);
}
