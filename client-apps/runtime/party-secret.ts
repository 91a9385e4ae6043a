// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { asciiBytes, equalBytes } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { hkdf, NO_SALT } from '../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { ClientError } from './errors.js';
import { SealedFile, type FileKey } from './sealed-file.js';

/** Sources of a party's long-term secrets. */
export interface SecretSources {
  readonly directory: string;
  readonly fileKey: FileKey;
  readonly random: RandomSource;
  /** 32 bytes in a demo, which fix the secrets; otherwise they are random. */
  readonly seed: Uint8Array | undefined;
}

/** Gives the long-term secret of a name, 32 bytes. */
export type DeriveSecret = (name: string) => Uint8Array;

/**
 * The long-term secrets of a party: on disk is one secret, sealed, made on first use; HKDF-SHA-256 gives each key under
 * its own name. What must be forgotten with time does not come from it.
 *
 * @param party names it in the derivation
 * @throws ClientError SEALED_INVALID, WRONG_PARTY; STATE_CONFLICT when the directory holds the secrets of another seed
 */
export async function loadPartySecrets(
  party: string,
  { directory, fileKey, random, seed }: SecretSources,
): Promise<DeriveSecret> {
  const file = new SealedFile(join(directory, 'keys'), fileKey);
  const secret = await loadSecret(file, random, seed && deriveSecret(party, seed, 'keys'));
  return (name) => deriveSecret(party, secret, name);
}

/**
 * Loads the one secret that a party keeps, or makes it on first use.
 *
 * @param seeded the secret that follows from a demo's seed, 32 bytes; without it a new one is random
 * @returns bytes of the caller's own, which it may wipe
 * @throws ClientError SEALED_INVALID; STATE_CONFLICT when the file holds another secret than the seed's
 */
export async function loadSecret(
  file: SealedFile,
  random: RandomSource,
  seeded: Uint8Array | undefined,
): Promise<Uint8Array> {
  const kept = await file.read();
  if (kept === undefined) {
    const secret = seeded?.slice() ?? random(KEY_LENGTH);
    await file.write(secret);
    return secret;
  }
  if (seeded !== undefined && !equalBytes(seeded, kept)) {
    throw new ClientError('STATE_CONFLICT', `${file.path} holds the secret of another seed`);
  }
  return kept;
}

/** HKDF-SHA-256 of a secret under a party's and a key's name, 32 bytes. */
export function deriveSecret(party: string, secret: Uint8Array, name: string): Uint8Array {
  return hkdf(sodiumCrypto, {
    salt: NO_SALT,
    inputKey: secret,
    info: asciiBytes(`gridveil ${party} ${name}`),
    length: KEY_LENGTH,
  });
}
