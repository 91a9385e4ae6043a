// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { asciiBytes, equalBytes } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { hkdf } from '../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { ClientError } from './errors.js';
import { SealedFile } from './sealed-file.js';

const NO_SALT = new Uint8Array(0);

/** Gives the long-term secret of a name, 32 bytes. */
export type DeriveSecret = (name: string) => Uint8Array;

/**
 * The long-term secrets of a party: on disk is one secret, sealed, made on first use; HKDF-SHA-256 gives each key under
 * its own name. What must be forgotten with time does not come from it.
 *
 * @param party names it in the derivation
 * @param seed 32 bytes in a demo, which fix the secrets; otherwise they are random
 * @throws ClientError SEALED_INVALID; STATE_CONFLICT when the directory holds the secrets of another seed
 */
export async function loadPartySecrets(
  party: string,
  directory: string,
  fileKey: Uint8Array,
  random: RandomSource,
  seed: Uint8Array | undefined,
): Promise<DeriveSecret> {
  const file = new SealedFile(join(directory, 'keys'), fileKey);
  const seeded = seed && deriveSecret(party, seed, 'keys');
  let secret = await file.read();
  if (secret === undefined) {
    secret = seeded ?? random(KEY_LENGTH);
    await file.write(secret);
  }
  if (seeded !== undefined && !equalBytes(seeded, secret)) {
    throw new ClientError('STATE_CONFLICT', `${directory} holds the keys of another seed`);
  }
  const found = secret;
  return (name) => deriveSecret(party, found, name);
}

/** HKDF-SHA-256 of a secret under a party's and a key's name, 32 bytes. */
export function deriveSecret(party: string, secret: Uint8Array, name: string): Uint8Array {
  return hkdf(sodiumCrypto, NO_SALT, secret, asciiBytes(`gridveil ${party} ${name}`), KEY_LENGTH);
}
