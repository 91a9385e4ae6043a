// SPDX-License-Identifier: Apache-2.0
import { KEY_LENGTH, type SigningKey } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { linkKeyFromSeed, type LinkKey } from '../links/link-identity.js';
import { deriveSecret, loadPartySecrets, type SecretSources } from '../runtime/party-secret.js';

/** The control center's long-term keys. */
export interface ControlCenterKeys {
  /** sk_CC, X25519. */
  readonly secretKey: Uint8Array;
  /** pk_CC. */
  readonly publicKey: Uint8Array;
  /** sigSk_CC and sigPk_CC, Ed25519. */
  readonly signing: SigningKey;
  /** Secret from which the registry's padding leaves are derived. */
  readonly paddingSecret: Uint8Array;
  /** P-256 key of its link server. */
  readonly link: LinkKey;
  /** P-256 key that certifies the link keys of meters and hubs. */
  readonly linkAuthority: LinkKey;
}

const PARTY = 'control center';

/**
 * Loads the keys, or makes them on first use.
 *
 * @throws ClientError SEALED_INVALID, WRONG_PARTY; STATE_CONFLICT when the directory holds the keys of another seed
 */
export async function loadControlCenterKeys(sources: SecretSources): Promise<ControlCenterKeys> {
  const derive = await loadPartySecrets(PARTY, sources);
  const secretKey = derive('x25519');
  return {
    secretKey,
    publicKey: sodiumCrypto.x25519PublicKey(secretKey),
    signing: sodiumCrypto.ed25519Key(derive('ed25519')),
    paddingSecret: derive('registry padding'),
    link: linkKeyFromSeed(derive('link')),
    linkAuthority: linkKeyFromSeed(derive('link authority')),
  };
}

/** The secret of the first epoch's onion key; later ones follow by ratchet and the earlier are erased. */
export function firstOnionSecret(random: RandomSource, seed: Uint8Array | undefined): Uint8Array {
  return seed === undefined ? random(KEY_LENGTH) : deriveSecret(PARTY, seed, 'onion');
}
