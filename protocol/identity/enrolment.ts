// SPDX-License-Identifier: Apache-2.0
import { concatBytes, equalBytes, requireLength, toHex } from '../crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH } from '../crypto/crypto.js';
import type { Crypto } from '../crypto/crypto.js';
import { mac, prefix } from '../crypto/hash.js';
import { HPKE_OVERHEAD, hpkeOpen, hpkeSeal } from '../crypto/hpke.js';
import { ProtocolError } from '../errors.js';
import { encodeCanonical, parseCanonical, readHex, readObject } from '../ledger/canonical-json.js';
import { requirePublicKey, sharedLinkKey } from './meter-identity.js';

/** A code is random, used once, and given out of band: 128 bits cannot be guessed. */
export const ENROLMENT_CODE_LENGTH = 16;
export const SEALED_METER_KEY_LENGTH = KEY_LENGTH + HPKE_OVERHEAD;

/** The encoding always has this length. */
const REQUEST_LENGTH = 449;
const SEALED_KEY_INFO = prefix('enrolment');

/** Request of a meter, sent once over TLS, to be registered. */
export interface EnrolmentRequest {
  /** The one-use code from the control center, 16 bytes. */
  readonly code: Uint8Array;
  /** pk_i, X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo of the meter's link key, 32 bytes. */
  readonly linkPin: Uint8Array;
  /** K_i in a sealed box to pk_CC, 80 bytes. */
  readonly sealedKey: Uint8Array;
  /** MAC under h_0 over all of the above, which proves possession of sk_i; 32 bytes. */
  readonly proof: Uint8Array;
}

/** Inputs of a meter's enrolment. The caller wipes all secrets. */
export interface EnrolmentSecrets {
  readonly code: Uint8Array;
  readonly linkPin: Uint8Array;
  /** sk_i, 32 bytes. */
  readonly secretKey: Uint8Array;
  /** K_i, 32 random bytes. */
  readonly meterKey: Uint8Array;
  /** pk_CC, 32 bytes. */
  readonly controlCenterPublicKey: Uint8Array;
  /** 32 fresh random bytes. */
  readonly ephemeralSecretKey: Uint8Array;
}

/**
 * Makes the request: K_i sealed to the control center, and the proof of sk_i.
 *
 * @throws ZERO_SHARED_SECRET for a control center's key of small order
 * @throws BAD_LENGTH
 */
export function sealEnrolment(crypto: Crypto, secrets: EnrolmentSecrets): EnrolmentRequest {
  const { code, linkPin, secretKey, meterKey, controlCenterPublicKey, ephemeralSecretKey } = secrets;
  requireLength(code, ENROLMENT_CODE_LENGTH, 'enrolment code');
  requireLength(linkPin, DIGEST_LENGTH, 'link pin');
  requireLength(meterKey, KEY_LENGTH, 'meter key');
  const publicKey = crypto.x25519PublicKey(secretKey);
  const bound = concatBytes(code, publicKey, linkPin);
  const sealedKey = hpkeSeal(crypto, {
    ephemeralSecretKey,
    recipientPublicKey: controlCenterPublicKey,
    info: SEALED_KEY_INFO,
    aad: bound,
    plaintext: meterKey,
  });
  const linkKey = sharedLinkKey(crypto, secretKey, controlCenterPublicKey);
  const proof = mac(crypto, 'enrolment', linkKey, bound, sealedKey);
  return { code, publicKey, linkPin, sealedKey, proof };
}

/**
 * The control center's side. The caller checks the code first: that it is open, and bound to this pk_i from now on.
 *
 * @param secretKey sk_CC, 32 bytes
 * @param publicKey pk_CC, 32 bytes
 * @returns h_0 and K_i, 32 bytes each
 * @throws NON_CANONICAL for a pk_i with a second spelling, which would give one meter two identities
 * @throws ZERO_SHARED_SECRET for a pk_i of small order
 * @throws BAD_SIGNATURE when the proof does not fit
 * @throws DECRYPT_FAILED when the box was made for another request or control center
 */
export function openEnrolment(
  crypto: Crypto,
  secretKey: Uint8Array,
  publicKey: Uint8Array,
  request: EnrolmentRequest,
): { linkKey: Uint8Array; meterKey: Uint8Array } {
  requirePublicKey(request.publicKey);
  const bound = concatBytes(request.code, request.publicKey, request.linkPin);
  const linkKey = sharedLinkKey(crypto, secretKey, request.publicKey);
  if (!equalBytes(mac(crypto, 'enrolment', linkKey, bound, request.sealedKey), request.proof)) {
    throw new ProtocolError('BAD_SIGNATURE', 'the proof of the enrolment is not valid');
  }
  return {
    linkKey,
    meterKey: hpkeOpen(crypto, {
      recipientSecretKey: secretKey,
      recipientPublicKey: publicKey,
      info: SEALED_KEY_INFO,
      aad: bound,
      sealed: request.sealedKey,
    }),
  };
}

/** Canonical JSON. */
export function encodeEnrolmentRequest(request: EnrolmentRequest): Uint8Array {
  return encodeCanonical({
    code: toHex(request.code),
    linkPin: toHex(request.linkPin),
    proof: toHex(request.proof),
    publicKey: toHex(request.publicKey),
    sealedKey: toHex(request.sealedKey),
  });
}

/** @throws MALFORMED, NON_CANONICAL, LIMIT_EXCEEDED */
export function decodeEnrolmentRequest(bytes: Uint8Array): EnrolmentRequest {
  const fields = readObject(parseCanonical(bytes, REQUEST_LENGTH), [
    'code',
    'linkPin',
    'proof',
    'publicKey',
    'sealedKey',
  ]);
  return {
    code: readHex(fields.code, ENROLMENT_CODE_LENGTH),
    publicKey: readHex(fields.publicKey, KEY_LENGTH),
    linkPin: readHex(fields.linkPin, DIGEST_LENGTH),
    sealedKey: readHex(fields.sealedKey, SEALED_METER_KEY_LENGTH),
    proof: readHex(fields.proof, DIGEST_LENGTH),
  };
}
