// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, hash } from 'node:crypto';
import libsodium from 'sodium-native';
import { ProtocolError } from '../errors.js';
import { requireLength, wipe } from './bytes.js';
import {
  AES_LENGTH,
  CHACHA_NONCE_LENGTH,
  DIGEST_LENGTH,
  KEY_LENGTH,
  SIGNATURE_LENGTH,
  TAG_LENGTH,
  XCHACHA_NONCE_LENGTH,
} from './crypto.js';
import type { AeadContext, Crypto, SigningKey } from './crypto.js';

// sodium-native fixes the parameters of its functions.
/* eslint-disable max-params */
type AeadEncrypt = (
  sealed: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array | null,
  unused: null,
  nonce: Uint8Array,
  key: Uint8Array,
) => number;
type AeadDecrypt = (
  plaintext: Uint8Array,
  unused: null,
  sealed: Uint8Array,
  aad: Uint8Array | null,
  nonce: Uint8Array,
  key: Uint8Array,
) => number;
/* eslint-enable max-params */

/** The functions used of sodium-native 5; its published types lack the IETF AEAD and require Buffers. */
interface Sodium {
  crypto_shorthash(output: Uint8Array, input: Uint8Array, key: Uint8Array): void;
  crypto_hash_sha512(output: Uint8Array, input: Uint8Array): void;
  crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void;
  crypto_scalarmult(shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void;
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  crypto_core_ed25519_is_valid_point(point: Uint8Array): boolean;
  crypto_aead_chacha20poly1305_ietf_encrypt: AeadEncrypt;
  crypto_aead_chacha20poly1305_ietf_decrypt: AeadDecrypt;
  crypto_aead_xchacha20poly1305_ietf_encrypt: AeadEncrypt;
  crypto_aead_xchacha20poly1305_ietf_decrypt: AeadDecrypt;
}
const sodium = libsodium as unknown as Sodium;

const SHA512_LENGTH = 64;
const SHA256_BLOCK = 64;
const IPAD = 0x36;
const OPAD = 0x5c;

/**
 * Hash inputs are put together here. A typed array of more than 64 bytes costs 0.3 µs to make and a view 0.2, as much
 * as a hash, so this one and its views are made once. It holds secrets only during a call.
 */
const scratch = new Uint8Array(256);
const scratchViews: Uint8Array[] = [];

/** The parts, behind `offset` bytes for the caller to fill: a view of the scratch memory, or new memory for long ones. */
function gather(offset: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = offset;
  for (const part of parts) {
    length += part.length;
  }
  const input =
    length <= scratch.length ? (scratchViews[length] ??= scratch.subarray(0, length)) : new Uint8Array(length);
  let position = offset;
  for (const part of parts) {
    input.set(part, position);
    position += part.length;
  }
  return input;
}

/**
 * OpenSSL's one-shot SHA-256. A Latin-1 (`binary`) string is the cheapest way out of `crypto.hash`: 0.3 µs for a short
 * input, where a Buffer costs 0.6, a Hash object 1.7 and libsodium's SHA-256 0.5. Such a string cannot be wiped; it
 * lives until the next collection of young objects, as any copy that the engine makes.
 */
function sha256Into(output: Uint8Array, offset: number, data: Uint8Array): void {
  const text = hash('sha256', data, 'binary');
  for (let i = 0; i < DIGEST_LENGTH; i++) {
    output[offset + i] = text.charCodeAt(i);
  }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = new Uint8Array(DIGEST_LENGTH);
  if (parts.length === 1) {
    sha256Into(digest, 0, parts[0]!);
  } else {
    const input = gather(0, parts);
    sha256Into(digest, 0, input);
    wipe(input);
  }
  return digest;
}

/** Opad block ‖ inner digest: the second input of an HMAC. */
const outer = new Uint8Array(SHA256_BLOCK + DIGEST_LENGTH);

/** libsodium has no HMAC-SHA-256 with keys of any length, and a Hmac object costs 4.5 µs: two one-shots. */
function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const blockKey = key.length > SHA256_BLOCK ? sha256(key) : key;
  const inner = gather(SHA256_BLOCK, parts);
  for (let i = 0; i < SHA256_BLOCK; i++) {
    const byte = i < blockKey.length ? blockKey[i]! : 0;
    inner[i] = byte ^ IPAD;
    outer[i] = byte ^ OPAD;
  }
  sha256Into(outer, SHA256_BLOCK, inner);
  const tag = sha256(outer);
  wipe(inner);
  wipe(outer);
  return tag;
}

/** Bytes of a SipHash key. */
export const SIP_HASH_KEY_LENGTH = 16;

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): for tables in which only a holder of the key can choose places.
 * Not a general hash. A tenth of the time of an HMAC.
 *
 * @param output 8 bytes
 * @param key 16 bytes
 */
export function sipHash(output: Uint8Array, message: Uint8Array, key: Uint8Array): void {
  sodium.crypto_shorthash(output, message, key);
}

class SodiumSigningKey implements SigningKey {
  readonly publicKey = new Uint8Array(KEY_LENGTH);
  /** libsodium's secret key: seed ‖ public key. */
  #secretKey = new Uint8Array(2 * KEY_LENGTH);

  constructor(seed: Uint8Array) {
    sodium.crypto_sign_seed_keypair(this.publicKey, this.#secretKey, seed);
  }

  sign(message: Uint8Array): Uint8Array {
    requireLength(this.#secretKey, 2 * KEY_LENGTH, 'signing key');
    const signature = new Uint8Array(SIGNATURE_LENGTH);
    sodium.crypto_sign_detached(signature, message, this.#secretKey);
    return signature;
  }

  wipe(): void {
    wipe(this.#secretKey);
    this.#secretKey = new Uint8Array(0);
  }
}

interface Algorithm {
  readonly encrypt: AeadEncrypt;
  readonly decrypt: AeadDecrypt;
  readonly nonceLength: number;
}
const CHACHA: Algorithm = {
  encrypt: sodium.crypto_aead_chacha20poly1305_ietf_encrypt,
  decrypt: sodium.crypto_aead_chacha20poly1305_ietf_decrypt,
  nonceLength: CHACHA_NONCE_LENGTH,
};
const XCHACHA: Algorithm = {
  encrypt: sodium.crypto_aead_xchacha20poly1305_ietf_encrypt,
  decrypt: sodium.crypto_aead_xchacha20poly1305_ietf_decrypt,
  nonceLength: XCHACHA_NONCE_LENGTH,
};

function seal(
  { encrypt, nonceLength }: Algorithm,
  { key, nonce, aad }: AeadContext,
  plaintext: Uint8Array,
  output?: Uint8Array,
): Uint8Array {
  requireLength(key, KEY_LENGTH, 'key');
  requireLength(nonce, nonceLength, 'nonce');
  const length = plaintext.length + TAG_LENGTH;
  const sealed = output ?? new Uint8Array(length);
  requireLength(sealed, length, 'output');
  encrypt(sealed, plaintext, aad, null, nonce, key);
  return sealed;
}

function open(
  { decrypt, nonceLength }: Algorithm,
  { key, nonce, aad }: AeadContext,
  sealed: Uint8Array,
  output?: Uint8Array,
): Uint8Array {
  requireLength(key, KEY_LENGTH, 'key');
  requireLength(nonce, nonceLength, 'nonce');
  const length = sealed.length - TAG_LENGTH;
  if (length < 0) {
    throw new ProtocolError('DECRYPT_FAILED', 'shorter than its tag');
  }
  const plaintext = output ?? new Uint8Array(length);
  requireLength(plaintext, length, 'output');
  try {
    decrypt(plaintext, null, sealed, aad, nonce, key);
  } catch (cause) {
    throw new ProtocolError('DECRYPT_FAILED', 'the authentication tag is not valid', { cause });
  }
  return plaintext;
}

/** The fast back end: libsodium for curves, AEAD and SHA-512, Node's OpenSSL for SHA-256 and AES. */
export const sodiumCrypto: Crypto = {
  name: 'sodium',

  sha256,

  sha512(data, output = new Uint8Array(SHA512_LENGTH)) {
    requireLength(output, SHA512_LENGTH, 'output');
    sodium.crypto_hash_sha512(output, data);
    return output;
  },

  hmacSha256,

  x25519PublicKey(secretKey) {
    requireLength(secretKey, KEY_LENGTH, 'secret key');
    const publicKey = new Uint8Array(KEY_LENGTH);
    sodium.crypto_scalarmult_base(publicKey, secretKey);
    return publicKey;
  },

  x25519(secretKey, publicKey) {
    requireLength(secretKey, KEY_LENGTH, 'secret key');
    requireLength(publicKey, KEY_LENGTH, 'public key');
    const shared = new Uint8Array(KEY_LENGTH);
    try {
      sodium.crypto_scalarmult(shared, secretKey, publicKey);
    } catch (cause) {
      throw new ProtocolError('ZERO_SHARED_SECRET', 'the public key has small order', { cause });
    }
    return shared;
  },

  ed25519Key(seed) {
    requireLength(seed, KEY_LENGTH, 'seed');
    return new SodiumSigningKey(seed);
  },

  // sodium-native 5.1 (libsodium 1.0.21) checks S < L, a canonical A without small order, an R without small order,
  // and compares the encodings: the rule of the interface. The tests would find a release that turns cofactored.
  ed25519Verify(signature, message, publicKey) {
    requireLength(signature, SIGNATURE_LENGTH, 'signature');
    requireLength(publicKey, KEY_LENGTH, 'public key');
    return sodium.crypto_sign_verify_detached(signature, message, publicKey);
  },

  ed25519IsPrimeOrder(publicKey) {
    requireLength(publicKey, KEY_LENGTH, 'public key');
    return sodium.crypto_core_ed25519_is_valid_point(publicKey);
  },

  chacha20Poly1305Seal: (context, plaintext, output) => seal(CHACHA, context, plaintext, output),
  chacha20Poly1305Open: (context, sealed, output) => open(CHACHA, context, sealed, output),
  xchacha20Poly1305Seal: (context, plaintext) => seal(XCHACHA, context, plaintext),
  xchacha20Poly1305Open: (context, sealed) => open(XCHACHA, context, sealed),

  // libsodium has no AES but in GCM. ECB over a single block is the bare cipher; without padding, update gives it all.
  aes128EncryptBlock(key, block) {
    requireLength(key, AES_LENGTH, 'AES key');
    requireLength(block, AES_LENGTH, 'AES block');
    const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    return new Uint8Array(cipher.update(block));
  },
};
