// SPDX-License-Identifier: Apache-2.0

/** Bytes of a SHA-256 digest, an HMAC-SHA-256 tag and every secret key, seed and public key of Curve25519. */
export const KEY_LENGTH = 32;
export const DIGEST_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;
/** Bytes of a Poly1305 tag, which follows the ciphertext. */
export const TAG_LENGTH = 16;
export const CHACHA_NONCE_LENGTH = 12;
export const XCHACHA_NONCE_LENGTH = 24;
/** Bytes of an AES-128 key and of an AES block. */
export const AES_LENGTH = 16;

/**
 * An Ed25519 key pair (RFC 8032); the paper's sigSk and sigPk.
 *
 * It exists only as a pair: a `sign(seed, publicKey, message)` that trusts its caller's public key gives two
 * challenges for one nonce, and so the secret scalar, to anyone who can make it sign under a wrong public key.
 */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The deterministic signature, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
  /** Overwrites the secret half. The key cannot sign afterwards (BAD_LENGTH). */
  wipe(): void;
}

/** What an AEAD binds to a plaintext: key 32 bytes, nonce 12 bytes (XChaCha20: 24), associated data of any length. */
export interface AeadContext {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

/**
 * The primitives. There are two back ends, `sodiumCrypto` (native) and `nobleCrypto` (portable), which give the same
 * bytes and refuse the same inputs with the same codes. Each input of a wrong length is refused with BAD_LENGTH.
 */
export interface Crypto {
  readonly name: 'sodium' | 'noble';

  /** FIPS 180-4 over the parts one after the other, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;

  /**
   * FIPS 180-4, 64 bytes.
   *
   * @param output when given, receives the digest and is returned: for loops without allocation
   */
  sha512(data: Uint8Array, output?: Uint8Array): Uint8Array;

  /** RFC 2104 with SHA-256 over the parts one after the other, 32 bytes; a key of any length. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;

  /** RFC 7748. The secret key is clamped inside. */
  x25519PublicKey(secretKey: Uint8Array): Uint8Array;

  /**
   * RFC 7748, 32 bytes.
   *
   * @throws ZERO_SHARED_SECRET when the public key has small order, so that the result would be all zero
   */
  x25519(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array;

  /** The key pair of a 32-byte seed. H3, which expands the seed to the scalar, is SHA-512 as in RFC 8032, 5.1.5. */
  ed25519Key(seed: Uint8Array): SigningKey;

  /**
   * Strict, cofactorless verification: S < L; A is canonical, on the curve and not of small order;
   * R is not of small order; `encode(S·B − SHA-512(R ‖ A ‖ message)·A)` equals R byte by byte.
   */
  ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;

  /** Whether 32 bytes are the canonical encoding of a point of prime order L (so not the neutral element). */
  ed25519IsPrimeOrder(publicKey: Uint8Array): boolean;

  /**
   * RFC 8439: ciphertext and tag, 16 bytes more than the plaintext.
   *
   * @param output takes them, by default new memory; it may begin with the plaintext itself, which is then overwritten
   * @returns output
   */
  chacha20Poly1305Seal(context: AeadContext, plaintext: Uint8Array, output?: Uint8Array): Uint8Array;

  /**
   * @param output takes the plaintext, 16 bytes less than `sealed`; by default new memory
   * @returns output
   * @throws DECRYPT_FAILED when the tag does not fit or is cut off
   */
  chacha20Poly1305Open(context: AeadContext, sealed: Uint8Array, output?: Uint8Array): Uint8Array;

  /** draft-irtf-cfrg-xchacha-03: the same with a nonce of 24 bytes, which may be random. */
  xchacha20Poly1305Seal(context: AeadContext, plaintext: Uint8Array): Uint8Array;

  /** @throws DECRYPT_FAILED when the tag does not fit or is cut off */
  xchacha20Poly1305Open(context: AeadContext, sealed: Uint8Array): Uint8Array;

  /** FIPS 197: one block of 16 bytes under AES-128, key 16 bytes. A bare permutation: the caller builds the mode. */
  aes128EncryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array;
}
