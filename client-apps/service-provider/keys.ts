// SPDX-License-Identifier: Apache-2.0
import type { SigningKey } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { meterIdentity } from '../../protocol/identity/meter-identity.js';
import { loadPartySecrets, type SecretSources } from '../runtime/party-secret.js';

/** The service provider's long-term keys. */
export interface ServiceProviderKeys {
  /** sk_SP, X25519. */
  readonly secretKey: Uint8Array;
  /** pk_SP. */
  readonly publicKey: Uint8Array;
  /** ID_SP = H_1(pk_SP). */
  readonly identity: Uint8Array;
  /** sigSk_SP and sigPk_SP, Ed25519. */
  readonly signing: SigningKey;
}

/**
 * Loads the keys, or makes them on first use.
 *
 * @throws ClientError SEALED_INVALID, WRONG_PARTY; STATE_CONFLICT when the directory holds the keys of another seed
 */
export async function loadServiceProviderKeys(sources: SecretSources): Promise<ServiceProviderKeys> {
  const derive = await loadPartySecrets('service provider', sources);
  const secretKey = derive('x25519');
  const publicKey = sodiumCrypto.x25519PublicKey(secretKey);
  return {
    secretKey,
    publicKey,
    identity: meterIdentity(sodiumCrypto, publicKey),
    signing: sodiumCrypto.ed25519Key(derive('ed25519')),
  };
}
