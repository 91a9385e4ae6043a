// SPDX-License-Identifier: Apache-2.0
import { concatBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { requireK } from '../crypto/ggm.js';
import { H, digest } from '../crypto/hash.js';
import { encryptionPseudonyms } from './encryption-pseudonym.js';

/** How meters make pseudonyms; part of the parameters. */
export const IDENTITY_MODES = ['chain', 'encryption'] as const;
export type IdentityMode = (typeof IDENTITY_MODES)[number];

/** What a meter and the control center both know about one message. */
export interface PseudonymSource {
  /** h_e of the message's epoch, 32 bytes. */
  readonly linkKey: Uint8Array;
  /** ID_i, 32 bytes. */
  readonly identity: Uint8Array;
  /** The meter's number at the control center, 32 bits. Mode `chain` does not use it. */
  readonly meterNumber: number;
  /** The message's index in its epoch, from 1 to 65,535. */
  readonly k: number;
  /** A_{e,k-1}, and ID_i for k = 1; 32 bytes. Mode `encryption` does not use it. */
  readonly previous: Uint8Array;
}

/**
 * A way to make the pseudonym A_{e,k} that stands in a row (32 bytes). A message has exactly one pseudonym: what a meter
 * could choose freely, it could use to tell an accomplice who it is. Callers keep `previous` by `advance` and need not
 * know which scheme it is.
 */
export interface PseudonymScheme {
  readonly mode: IdentityMode;
  /** @throws K_RANGE, LIMIT_EXCEEDED for a meter number beyond 32 bits */
  derive(crypto: Crypto, source: PseudonymSource): Uint8Array;
  /** `previous` of message k + steps, from `previous` of message k: for messages that were skipped or lost. */
  advance(crypto: Crypto, linkKey: Uint8Array, previous: Uint8Array, steps: number): Uint8Array;
}

/** The paper's chain within an epoch: A_{e,1} = H(h_e, ID_i), A_{e,k} = H(h_e, A_{e,k-1}). */
export const chainPseudonyms: PseudonymScheme = {
  mode: 'chain',

  derive(crypto, source) {
    requireK(source.k);
    return H(crypto, source.linkKey, source.k === 1 ? source.identity : source.previous);
  },

  advance(crypto, linkKey, previous, steps) {
    let pseudonym = previous;
    for (let step = 0; step < steps; step++) pseudonym = H(crypto, linkKey, pseudonym);
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
 * What the parameters say about the service provider's pseudonym key without showing it:
 * SHA-256(prefix(price) ‖ ID_SP ‖ key), 32 bytes.
 */
export function pricePseudonymCommitment(crypto: Crypto, identity: Uint8Array, key: Uint8Array): Uint8Array {
  return digest(crypto, 'price', identity, key);
}
