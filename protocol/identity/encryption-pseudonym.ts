// SPDX-License-Identifier: Apache-2.0
import { wipe, writeUint16, writeUint32 } from '../crypto/bytes.js';
import { AES_LENGTH, DIGEST_LENGTH } from '../crypto/crypto.js';
import type { Crypto } from '../crypto/crypto.js';
import { requireK } from '../crypto/ggm.js';
import { mac } from '../crypto/hash.js';
import type { PseudonymScheme } from './pseudonym-scheme.js';

/** Mode `encryption` carries nothing from message to message. */
const NOTHING: Uint8Array = new Uint8Array(DIGEST_LENGTH);

/**
 * The paper's Remark 4: the pseudonym is the meter's name under randomized encryption.
 *
 *     κ_N ‖ κ_C = mac(pseudonym, h_e)                               two AES-128 keys, of one meter and one epoch
 *     B         = meter number (u32) ‖ k (u16) ‖ 10 zero bytes
 *     N         = AES(κ_N, B)                                       the nonce, 16 bytes
 *     C         = AES(κ_C, N ⊕ B)                                   CBC of one block, with N as its first value
 *     A         = N ‖ C
 *
 * The nonce is synthetic (as in RFC 5297) where the remark would draw it. It hides as well as a drawn one: a meter uses
 * a k once, so the nonces of an epoch are values of a permutation at different points, under a key of that meter and
 * epoch alone; to all others they look random, and they never repeat. And a drawn one would be 16 bytes in
 * every row in which corrupt firmware could tell any reader of the ledger who it is, and hold more than the ledger
 * needs: this way A is a function of the message, and a checker that has h_e knows all 32 bytes. Nobody without the keys
 * makes a valid A from others: another N or C fits no B.
 *
 * The key is never one for all meters: a single opened meter would then name the rows of all others.
 */
export const encryptionPseudonyms: PseudonymScheme = {
  mode: 'encryption',

  derive(crypto, { linkKey, meterNumber, k }) {
    requireK(k);
    const name = new Uint8Array(AES_LENGTH);
    writeUint32(name, 0, meterNumber);
    writeUint16(name, 4, k);
    return encrypt(crypto, linkKey, name);
  },

  advance: () => NOTHING,
};

/** N ‖ C of a block B. */
function encrypt(crypto: Crypto, linkKey: Uint8Array, block: Uint8Array): Uint8Array {
  const keys = mac(crypto, 'pseudonym', linkKey);
  const nonce = crypto.aes128EncryptBlock(keys.subarray(0, AES_LENGTH), block);
  const masked = block.map((byte, i) => byte ^ nonce[i]!);
  const ciphertext = crypto.aes128EncryptBlock(keys.subarray(AES_LENGTH), masked);
  wipe(keys);
  wipe(masked);
  const pseudonym = new Uint8Array(2 * AES_LENGTH);
  pseudonym.set(nonce);
  pseudonym.set(ciphertext, AES_LENGTH);
  return pseudonym;
}
