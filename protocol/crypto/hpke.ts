// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { asciiBytes, concatBytes, fromHex, requireLength, wipe } from './bytes.js';
import { CHACHA_NONCE_LENGTH, KEY_LENGTH, TAG_LENGTH } from './crypto.js';
import type { Crypto } from './crypto.js';
import { NO_SALT } from './hash.js';

/** Bytes that a sealed box adds to its plaintext: the encapsulated key (32) before it, the tag (16) after it. */
export const HPKE_OVERHEAD = KEY_LENGTH + TAG_LENGTH;

// RFC 9180: DHKEM(X25519, HKDF-SHA-256) is 0x0020, HKDF-SHA-256 0x0001, ChaCha20-Poly1305 0x0003.
const KEM_SUITE = concatBytes(asciiBytes('HPKE-v1KEM'), Uint8Array.of(0x00, 0x20));
const SUITE = concatBytes(asciiBytes('HPKE-v1HPKE'), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));

// Every output is at most one hash long, so LabeledExpand is one HMAC over: length ‖ suite ‖ label ‖ context ‖ 0x01.
const EXTRACT_EAE_PRK = concatBytes(KEM_SUITE, asciiBytes('eae_prk'));
const EXPAND_SHARED_SECRET = concatBytes(Uint8Array.of(0, KEY_LENGTH), KEM_SUITE, asciiBytes('shared_secret'));
const EXTRACT_INFO_HASH = concatBytes(SUITE, asciiBytes('info_hash'));
const EXTRACT_SECRET = concatBytes(SUITE, asciiBytes('secret'));
const EXPAND_KEY = concatBytes(Uint8Array.of(0, KEY_LENGTH), SUITE, asciiBytes('key'));
const EXPAND_NONCE = concatBytes(Uint8Array.of(0, CHACHA_NONCE_LENGTH), SUITE, asciiBytes('base_nonce'));
const FIRST_BLOCK = Uint8Array.of(1);
/** Mode base (0x00) and LabeledExtract("", "psk_id_hash", ""), which never changes. */
const BASE_MODE_CONTEXT = fromHex('00431df6cd95e11ff49d7013563baf7f11588c75a6611ee2a4404a49306ae4cfc5');

/** Mode and hashes of the key schedule by info: a program has few of them, all constants. */
const contexts = new WeakMap<Uint8Array, Uint8Array>();

function contextOf(crypto: Crypto, info: Uint8Array): Uint8Array {
  let context = contexts.get(info);
  if (context === undefined) {
    context = concatBytes(BASE_MODE_CONTEXT, crypto.hmacSha256(NO_SALT, EXTRACT_INFO_HASH, info));
    contexts.set(info, context);
  }
  return context;
}

/** Inputs of the key schedule. */
interface Exchange {
  readonly shared: Uint8Array;
  readonly encapsulated: Uint8Array;
  readonly recipientPublicKey: Uint8Array;
  readonly info: Uint8Array;
}

/** The key schedule of RFC 9180, 5.1, for the first and only message of a context. Overwrites the shared secret. */
function keyAndNonce(
  crypto: Crypto,
  { shared, encapsulated, recipientPublicKey, info }: Exchange,
): { key: Uint8Array; nonce: Uint8Array } {
  const eaePrk = crypto.hmacSha256(NO_SALT, EXTRACT_EAE_PRK, shared);
  const sharedSecret = crypto.hmacSha256(eaePrk, EXPAND_SHARED_SECRET, encapsulated, recipientPublicKey, FIRST_BLOCK);
  const context = contextOf(crypto, info);
  const secret = crypto.hmacSha256(sharedSecret, EXTRACT_SECRET);
  const key = crypto.hmacSha256(secret, EXPAND_KEY, context, FIRST_BLOCK);
  const nonce = crypto.hmacSha256(secret, EXPAND_NONCE, context, FIRST_BLOCK).slice(0, CHACHA_NONCE_LENGTH);
  for (const used of [shared, eaePrk, sharedSecret, secret]) {
    wipe(used);
  }
  return { key, nonce };
}

/** What is sealed, and for whom. */
export interface HpkeSealInputs {
  /** 32 fresh random bytes; a second use under the same recipient would repeat the AEAD nonce. */
  readonly ephemeralSecretKey: Uint8Array;
  readonly recipientPublicKey: Uint8Array;
  /** Purpose of the box; bound to the key; a constant, never changed afterwards. */
  readonly info: Uint8Array;
  /** Associated data; authenticated, not part of the box. */
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /**
   * Takes the box, HPKE_OVERHEAD bytes more than the plaintext, by default new memory; the plaintext may already be in
   * it, after the place of the encapsulated key, and is then overwritten.
   */
  readonly output?: Uint8Array;
}

/**
 * A sealed box: HPKE (RFC 9180) in base mode, one message, X25519 / HKDF-SHA-256 / ChaCha20-Poly1305.
 *
 * @returns output: encapsulated key (32) ‖ ciphertext ‖ tag (16)
 * @throws ZERO_SHARED_SECRET for a recipient key of small order
 */
export function hpkeSeal(crypto: Crypto, inputs: HpkeSealInputs): Uint8Array {
  const { ephemeralSecretKey, recipientPublicKey, info, aad, plaintext } = inputs;
  const output = inputs.output ?? new Uint8Array(plaintext.length + HPKE_OVERHEAD);
  requireLength(output, plaintext.length + HPKE_OVERHEAD, 'output');
  const encapsulated = crypto.x25519PublicKey(ephemeralSecretKey);
  const shared = crypto.x25519(ephemeralSecretKey, recipientPublicKey);
  const { key, nonce } = keyAndNonce(crypto, { shared, encapsulated, recipientPublicKey, info });
  crypto.chacha20Poly1305Seal({ key, nonce, aad }, plaintext, output.subarray(KEY_LENGTH));
  output.set(encapsulated);
  wipe(key);
  return output;
}

/** What is opened, and by whom. */
export interface HpkeOpenInputs {
  readonly recipientSecretKey: Uint8Array;
  /** Of `recipientSecretKey`; part of the key schedule. */
  readonly recipientPublicKey: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly sealed: Uint8Array;
  /** Takes the plaintext, HPKE_OVERHEAD bytes less than `sealed`; by default new memory. */
  readonly output?: Uint8Array | undefined;
}

/**
 * Opens what `hpkeSeal` made.
 *
 * @throws DECRYPT_FAILED for another recipient, info or aad, and for a changed or cut box
 * @throws ZERO_SHARED_SECRET for an encapsulated key of small order
 */
export function hpkeOpen(
  crypto: Crypto,
  { recipientSecretKey, recipientPublicKey, info, aad, sealed, output }: HpkeOpenInputs,
): Uint8Array {
  if (sealed.length < HPKE_OVERHEAD) {
    throw new ProtocolError('DECRYPT_FAILED', 'shorter than an empty sealed box');
  }
  const encapsulated = sealed.subarray(0, KEY_LENGTH);
  const shared = crypto.x25519(recipientSecretKey, encapsulated);
  const { key, nonce } = keyAndNonce(crypto, { shared, encapsulated, recipientPublicKey, info });
  try {
    return crypto.chacha20Poly1305Open({ key, nonce, aad }, sealed.subarray(KEY_LENGTH), output);
  } finally {
    wipe(key);
  }
}
