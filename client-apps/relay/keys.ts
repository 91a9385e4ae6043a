// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { toHex, wipe } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH, type SigningKey } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { OnionKeys } from '../../protocol/onion/onion-keys.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { linkKeyFromSeed, type LinkKey } from '../links/link-identity.js';
import { deriveSecret, loadSecret } from '../runtime/party-secret.js';
import { FileKey, SealedFile } from '../runtime/sealed-file.js';
import type { RelayConfig } from './config.js';

/** A relay's long-term keys. */
export interface RelayKeys {
  /** Ed25519, signs its descriptors. */
  readonly identity: SigningKey;
  /** P-256, for TLS. */
  readonly link: LinkKey;
}

/** The keys that belong to a secret of 32 bytes. */
export function relayKeysFrom(secret: Uint8Array): RelayKeys {
  return {
    identity: sodiumCrypto.ed25519Key(deriveSecret('relay', secret, 'identity')),
    link: linkKeyFromSeed(deriveSecret('relay', secret, 'link')),
  };
}

/**
 * Loads the long-term keys, or makes them on first use.
 *
 * @param seed 32 bytes in a demo, which fix the keys; otherwise they are random
 * @throws ClientError SEALED_INVALID; STATE_CONFLICT when the directory holds the keys of another seed
 */
export async function loadRelayKeys(
  directory: string,
  fileKey: FileKey,
  random: RandomSource,
  seed: Uint8Array | undefined,
): Promise<RelayKeys> {
  const secret = await loadSecret(new SealedFile(join(directory, 'keys'), fileKey), random, seed);
  const keys = relayKeysFrom(secret);
  wipe(secret);
  return keys;
}

/**
 * The key of a relay's sealed files: they belong to the address under which the control center admitted it.
 *
 * @param processKey 32 bytes, see `loadFileKey`
 */
export function relayFileKey(processKey: Uint8Array, { links }: Pick<RelayConfig, 'links'>): FileKey {
  return new FileKey(processKey, 'relay', links.address);
}

/** Public identity of a relay, which the control center's operator enters to admit it. */
export function relayIdentity(keys: RelayKeys): { readonly identity: string; readonly linkPin: string } {
  return { identity: toHex(keys.identity.publicKey), linkPin: toHex(keys.link.pin) };
}

/** The onion keys on disk. They are never derived from the long-term secret, or erasing them would be useless. */
export class OnionKeyFile {
  readonly #file: SealedFile;

  constructor(directory: string, fileKey: FileKey) {
    this.#file = new SealedFile(join(directory, 'onion-keys'), fileKey);
  }

  /**
   * Loads the onion keys, or makes them on first use, and erases those of epochs that are over.
   *
   * @param epoch the oldest epoch whose packets are still taken
   * @param seed 32 bytes in a demo, which fix the keys of all epochs
   * @throws ClientError SEALED_INVALID
   */
  async load(epoch: number, random: RandomSource, seed: Uint8Array | undefined): Promise<OnionKeys> {
    const bytes = await this.#file.read();
    const keys =
      bytes !== undefined
        ? OnionKeys.fromBytes(sodiumCrypto, bytes)
        : seed !== undefined
          ? OnionKeys.first(sodiumCrypto, 0, deriveSecret('relay', seed, 'onion'))
          : OnionKeys.first(sodiumCrypto, epoch, random(KEY_LENGTH));
    await this.forgetBefore(keys, epoch);
    return keys;
  }

  /** Erases the keys of all epochs before this one, here and on the disk. */
  async forgetBefore(keys: OnionKeys, epoch: number): Promise<void> {
    keys.forgetBefore(epoch);
    await this.#file.write(keys.toBytes());
  }
}
