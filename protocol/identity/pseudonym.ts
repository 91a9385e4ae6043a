// SPDX-License-Identifier: Apache-2.0
import { concatBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { requireK } from '../crypto/ggm.js';
import { H, digest } from '../crypto/hash.js';
import { encryptionPseudonyms } from './encryption-pseudonym.js';
import type { PseudonymScheme, IdentityMode } from './pseudonym-scheme.js';

/** The paper's chain within an epoch: A_{e,1} = H(h_e, ID_i), A_{e,k} = H(h_e, A_{e,k-1}). */
export const chainPseudonyms: PseudonymScheme = {
  mode: 'chain',

  derive(crypto, source) {
    requireK(source.k);
    return H(crypto, source.linkKey, source.k === 1 ? source.identity : source.previous);
  },

  advance(crypto, linkKey, previous, steps) {
    let pseudonym = previous;
    for (let step = 0; step < steps; step++) {
      pseudonym = H(crypto, linkKey, pseudonym);
    }
    return pseudonym;
  },
};

const SCHEMES: Record<IdentityMode, PseudonymScheme> = { chain: chainPseudonyms, encryption: encryptionPseudonyms };

/** The scheme that the parameters name. */
export function pseudonymScheme(mode: IdentityMode): PseudonymScheme {
  return SCHEMES[mode];
}

/**
 * The pseudonym of the price row of one ledger: H(H1(sk_{SP,CC}), ID_SP ‖ ledgerId), 32 bytes.
 *
 * @param key H1(sk_{SP,CC}), from `sharedLinkKey`
 * @param ledgerIdBytes the 16 bytes of the ledger's id
 */
export function pricePseudonym(
  crypto: Crypto,
  key: Uint8Array,
  identity: Uint8Array,
  ledgerIdBytes: Uint8Array,
): Uint8Array {
  return H(crypto, key, concatBytes(identity, ledgerIdBytes));
}

/**
 * Commitment of the parameters to the service provider's pseudonym key:
 * SHA-256(prefix(price) ‖ ID_SP ‖ key), 32 bytes.
 */
export function pricePseudonymCommitment(crypto: Crypto, identity: Uint8Array, key: Uint8Array): Uint8Array {
  return digest(crypto, 'price', identity, key);
}
