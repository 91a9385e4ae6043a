// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../crypto/crypto.js';
import { ratchetTo } from './meter-identity.js';
import { chainPseudonyms } from './pseudonym.js';

/**
 * The key of one consumer's price rows in a registry epoch: H1(sk_{SP,U_i}), turned on as meters' link keys are. 32
 * bytes.
 *
 * @param sharedKey H1(sk_{SP,U_i}), from `sharedLinkKey` with sk_SP and pk_{U_i}, or with sk_{U_i} and pk_SP
 * @throws EPOCH_RANGE
 */
export function priceTagKey(crypto: Crypto, sharedKey: Uint8Array, epoch: number): Uint8Array {
  return ratchetTo(crypto, sharedKey, 0, epoch);
}

/**
 * The tag of one consumer's price row: the chain H(key, ID_SP), H(key, H(key, ID_SP)), … with one link for each interval
 * of the epoch. In the first interval of epoch 0 it is the paper's H(H1(sk_{SP,U_i}) ‖ ID_SP) to the letter. 32 bytes.
 *
 * @param key from {@link priceTagKey}
 * @param identity ID_SP
 * @param number of the interval in its epoch, from 1
 */
export function priceTag(crypto: Crypto, key: Uint8Array, identity: Uint8Array, number: number): Uint8Array {
  return chainPseudonyms.advance(crypto, key, identity, number);
}
