// SPDX-License-Identifier: Apache-2.0
import { ecb } from '@noble/ciphers/aes.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { ProtocolError } from '../errors.js';
import { concatBytes, equalBytes, requireLength, wipe } from './bytes.js';
import {
  AES_LENGTH,
  CHACHA_NONCE_LENGTH,
  KEY_LENGTH,
  SIGNATURE_LENGTH,
  TAG_LENGTH,
  XCHACHA_NONCE_LENGTH,
} from './crypto.js';
import type { AeadContext, Crypto, SigningKey } from './crypto.js';

const { Point } = ed25519;
type EdwardsPoint = ReturnType<typeof Point.fromBytes>;

/** Order of the base point. */
const L = Point.Fn.ORDER;

class NobleSigningKey implements SigningKey {
  readonly publicKey: Uint8Array;
  #seed: Uint8Array;

  constructor(seed: Uint8Array) {
    this.#seed = seed.slice();
    this.publicKey = ed25519.getPublicKey(seed);
  }

  sign(message: Uint8Array): Uint8Array {
    requireLength(this.#seed, KEY_LENGTH, 'signing key');
    return ed25519.sign(message, this.#seed);
  }

  wipe(): void {
    wipe(this.#seed);
    this.#seed = new Uint8Array(0);
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) {
    value = (value << 8n) | BigInt(bytes[i]!);
  }
  return value;
}

/** The point of a canonical encoding (RFC 8032, 5.1.3), or undefined. */
function decodePoint(bytes: Uint8Array): EdwardsPoint | undefined {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}

/** noble's own verification multiplies by the cofactor, so the equation is checked here. */
function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= L) {
    return false;
  }
  const a = decodePoint(publicKey);
  if (a === undefined || a.isSmallOrder()) {
    return false;
  }
  const challenge = littleEndian(sha512(concatBytes(r, publicKey, message))) % L;
  // Everything here is public, so variable time is no leak.
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(challenge));
  return !expected.isSmallOrder() && equalBytes(expected.toBytes(), r);
}

interface Algorithm {
  readonly aead: typeof chacha20poly1305 | typeof xchacha20poly1305;
  readonly nonceLength: number;
}
const CHACHA: Algorithm = { aead: chacha20poly1305, nonceLength: CHACHA_NONCE_LENGTH };
const XCHACHA: Algorithm = { aead: xchacha20poly1305, nonceLength: XCHACHA_NONCE_LENGTH };

function seal(
  { aead, nonceLength }: Algorithm,
  { key, nonce, aad }: AeadContext,
  plaintext: Uint8Array,
  output?: Uint8Array,
): Uint8Array {
  requireLength(key, KEY_LENGTH, 'key');
  requireLength(nonce, nonceLength, 'nonce');
  if (output !== undefined) {
    requireLength(output, plaintext.length + TAG_LENGTH, 'output');
  }
  return aead(key, nonce, aad).encrypt(plaintext, output);
}

function open(
  { aead, nonceLength }: Algorithm,
  { key, nonce, aad }: AeadContext,
  sealed: Uint8Array,
  output?: Uint8Array,
): Uint8Array {
  requireLength(key, KEY_LENGTH, 'key');
  requireLength(nonce, nonceLength, 'nonce');
  if (sealed.length < TAG_LENGTH) {
    throw new ProtocolError('DECRYPT_FAILED', 'shorter than its tag');
  }
  if (output !== undefined) {
    requireLength(output, sealed.length - TAG_LENGTH, 'output');
  }
  try {
    return aead(key, nonce, aad).decrypt(sealed, output);
  } catch (cause) {
    throw new ProtocolError('DECRYPT_FAILED', 'the authentication tag is not valid', { cause });
  }
}

/**
 * The portable back end: JavaScript alone, for browsers and for machines without the native add-on. Big integers and
 * the tables of AES take a time that depends on secrets, so a party that holds long-term ones runs on `sodiumCrypto`.
 */
export const nobleCrypto: Crypto = {
  name: 'noble',

  sha256: (...parts) => sha256(concatBytes(...parts)),

  sha512(data, output) {
    const digest = sha512(data);
    if (output === undefined) {
      return digest;
    }
    requireLength(output, digest.length, 'output');
    output.set(digest);
    return output;
  },

  hmacSha256: (key, ...parts) => hmac(sha256, key, concatBytes(...parts)),

  x25519PublicKey(secretKey) {
    requireLength(secretKey, KEY_LENGTH, 'secret key');
    return x25519.getPublicKey(secretKey);
  },

  x25519(secretKey, publicKey) {
    requireLength(secretKey, KEY_LENGTH, 'secret key');
    requireLength(publicKey, KEY_LENGTH, 'public key');
    try {
      return x25519.getSharedSecret(secretKey, publicKey);
    } catch (cause) {
      throw new ProtocolError('ZERO_SHARED_SECRET', 'the public key has small order', { cause });
    }
  },

  ed25519Key(seed) {
    requireLength(seed, KEY_LENGTH, 'seed');
    return new NobleSigningKey(seed);
  },

  ed25519Verify(signature, message, publicKey) {
    requireLength(signature, SIGNATURE_LENGTH, 'signature');
    requireLength(publicKey, KEY_LENGTH, 'public key');
    return verify(signature, message, publicKey);
  },

  ed25519IsPrimeOrder(publicKey) {
    requireLength(publicKey, KEY_LENGTH, 'public key');
    const point = decodePoint(publicKey);
    return point !== undefined && !point.isSmallOrder() && point.isTorsionFree();
  },

  chacha20Poly1305Seal: (context, plaintext, output) => seal(CHACHA, context, plaintext, output),
  chacha20Poly1305Open: (context, sealed, output) => open(CHACHA, context, sealed, output),
  xchacha20Poly1305Seal: (context, plaintext) => seal(XCHACHA, context, plaintext),
  xchacha20Poly1305Open: (context, sealed) => open(XCHACHA, context, sealed),

  aes128EncryptBlock(key, block) {
    requireLength(key, AES_LENGTH, 'AES key');
    requireLength(block, AES_LENGTH, 'AES block');
    return ecb(key, { disablePadding: true }).encrypt(block);
  },
};
