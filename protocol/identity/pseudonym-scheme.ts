// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../crypto/crypto.js';

/** Derivation of meters' pseudonyms; part of the parameters. */
export const IDENTITY_MODES = ['chain', 'encryption'] as const;

export type IdentityMode = (typeof IDENTITY_MODES)[number];

/** Inputs of a pseudonym, which the meter and the control center both know. */
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
 * Derivation of the pseudonym A_{e,k} of a row (32 bytes). A message has exactly one pseudonym: what a meter
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
