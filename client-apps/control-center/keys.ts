// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { asciiBytes, wipe } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH, type SigningKey } from '../../protocol/crypto/crypto.js';
import { hkdf } from '../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { ClientError } from '../common/errors.js';
import { linkKeyFromSeed, type LinkKey } from '../common/links/link-identity.js';
import { SealedFile } from '../common/sealed-file.js';

/** The control center's long-term keys. */
export interface ControlCenterKeys {
  /** sk_CC, X25519. */
  readonly secretKey: Uint8Array;
  /** pk_CC. */
  readonly publicKey: Uint8Array;
  /** sigSk_CC and sigPk_CC, Ed25519. */
  readonly signing: SigningKey;
  /** From which the registry's padding leaves come. */
  readonly paddingSecret: Uint8Array;
  /** P-256 key of its HTTPS and link servers. */
  readonly link: LinkKey;
  /** P-256 key that certifies the link keys of meters and hubs. */
  readonly linkAuthority: LinkKey;
}

const NO_SALT = new Uint8Array(0);

/**
 * Loads the keys, or makes them on first use. On disk is one secret from which HKDF-SHA-256 gives each key under its
 * own name; what must be forgotten with time (onion keys, meters' link keys) does not come from it.
 *
 * @param seed 32 bytes in a demo, which fix the keys; otherwise they are random
 * @throws ClientError SEALED_INVALID; STATE_CONFLICT when the directory holds the keys of another seed
 */
export async function loadControlCenterKeys(
  directory: string,
  fileKey: Uint8Array,
  random: RandomSource,
  seed: Uint8Array | undefined,
): Promise<ControlCenterKeys> {
  const file = new SealedFile(join(directory, 'keys'), fileKey);
  let secret = await file.read();
  if (secret === undefined) {
    secret = seed === undefined ? random(KEY_LENGTH) : derive(seed, 'keys');
    await file.write(secret);
  } else if (seed !== undefined && !derive(seed, 'keys').every((byte, index) => secret?.[index] === byte)) {
    throw new ClientError('STATE_CONFLICT', `${directory} holds the keys of another seed`);
  }
  const secretKey = derive(secret, 'x25519');
  const keys: ControlCenterKeys = {
    secretKey,
    publicKey: sodiumCrypto.x25519PublicKey(secretKey),
    signing: sodiumCrypto.ed25519Key(derive(secret, 'ed25519')),
    paddingSecret: derive(secret, 'registry padding'),
    link: linkKeyFromSeed(derive(secret, 'link')),
    linkAuthority: linkKeyFromSeed(derive(secret, 'link authority')),
  };
  wipe(secret);
  return keys;
}

/** The secret of the first epoch's onion key; later ones follow by ratchet and the earlier are erased. */
export function firstOnionSecret(random: RandomSource, seed: Uint8Array | undefined): Uint8Array {
  return seed === undefined ? random(KEY_LENGTH) : derive(seed, 'onion');
}

function derive(secret: Uint8Array, name: string): Uint8Array {
  return hkdf(sodiumCrypto, NO_SALT, secret, asciiBytes(`gridveil control center ${name}`), KEY_LENGTH);
}
