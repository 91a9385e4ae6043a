// SPDX-License-Identifier: Apache-2.0
import { requireLength, wipe } from '../crypto/bytes.js';
import { KEY_LENGTH } from '../crypto/crypto.js';
import type { Crypto } from '../crypto/crypto.js';
import { requireEpoch } from '../crypto/ggm.js';
import { H1, ratchet } from '../crypto/hash.js';
import { isCanonicalX25519PublicKey, isX25519PublicKey } from '../crypto/x25519-key.js';
import { ProtocolError } from '../errors.js';

/**
 * ID_i = H1(pk_i), 32 bytes: a meter's (or the service provider's) identity.
 *
 * @param publicKey pk_i, an X25519 public key
 */
export function meterIdentity(crypto: Crypto, publicKey: Uint8Array): Uint8Array {
  return H1(crypto, publicKey);
}

/**
 * h_0 = H1(sk_{i,CC}), 32 bytes, where sk_{i,CC} = X25519(sk_i, pk_CC): both sides compute the same.
 *
 * @throws ZERO_SHARED_SECRET for a public key of small order
 */
export function sharedLinkKey(crypto: Crypto, secretKey: Uint8Array, otherPublicKey: Uint8Array): Uint8Array {
  const shared = crypto.x25519(secretKey, otherPublicKey);
  const linkKey = H1(crypto, shared);
  wipe(shared);
  return linkKey;
}

/**
 * Checks an X25519 key that another party announces. X25519 reads any 32 bytes modulo 2^255 − 19 without the top bit; a
 * key that names someone has one spelling only, the smallest, and one of small order names no one.
 *
 * @throws NON_CANONICAL, ZERO_SHARED_SECRET
 */
export function requirePublicKey(publicKey: Uint8Array): void {
  requireLength(publicKey, KEY_LENGTH, 'public key');
  if (!isCanonicalX25519PublicKey(publicKey)) {
    throw new ProtocolError('NON_CANONICAL', 'the public key is not in its canonical encoding');
  }
  if (!isX25519PublicKey(publicKey)) {
    throw new ProtocolError('ZERO_SHARED_SECRET', 'the public key has small order');
  }
}

/**
 * h_{toEpoch} from h_{fromEpoch}. The caller erases the older key; the keys between are wiped here.
 *
 * @throws EPOCH_ERASED for an earlier epoch: the ratchet is one-way
 * @throws EPOCH_RANGE
 */
export function ratchetTo(crypto: Crypto, linkKey: Uint8Array, fromEpoch: number, toEpoch: number): Uint8Array {
  requireEpoch(fromEpoch);
  requireEpoch(toEpoch);
  if (toEpoch < fromEpoch) {
    throw new ProtocolError('EPOCH_ERASED', 'the link key of this epoch is erased');
  }
  let key: Uint8Array = linkKey.slice();
  for (let epoch = fromEpoch; epoch < toEpoch; epoch++) {
    const next = ratchet(crypto, key);
    wipe(key);
    key = next;
  }
  return key;
}
