// SPDX-License-Identifier: Apache-2.0
import { wipe } from '../crypto/bytes.js';
import type { Crypto, SigningKey } from '../crypto/crypto.js';
import { oneTimeSeed } from '../crypto/ggm.js';

/**
 * The key pair of message k of an epoch: sigSk_{i,k} = H3(f_{K_i}(e ‖ k)), sigPk_{i,k} = g^{sigSk_{i,k}}.
 *
 * @param epochNode N_e, 32 bytes
 * @throws K_RANGE
 */
export function oneTimeKey(crypto: Crypto, epochNode: Uint8Array, k: number): SigningKey {
  const seed = oneTimeSeed(crypto, epochNode, k);
  const key = crypto.ed25519Key(seed);
  wipe(seed);
  return key;
}
