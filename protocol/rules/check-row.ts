// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { oneTimeKey } from '../identity/one-time-key.js';
import type { PseudonymScheme } from '../identity/pseudonym-scheme.js';
import type { RowWitness } from '../identity/witness.js';
import { ROW_TYPE, rowMessage, rowPseudonym, rowSignature, rowSignaturePublicKey, rowValue } from '../ledger/row.js';
import { checkRowFrame, type IntervalContext } from './interval-context.js';

/** The part of a witness that says who sent a row. */
export type RowSecrets = Omit<RowWitness, 'leafIndex' | 'siblings'>;

/**
 * Checks a consumption row but for its signature, without any secret: type, ledger id, T, and one of the five
 * categories.
 *
 * @param row 177 bytes
 * @returns the category, 0 to 4
 * @throws ProtocolError `BAD_LENGTH`, `WRONG_TYPE`, `WRONG_LEDGER`, `WRONG_TIME`, `BAD_CATEGORY`
 */
export function checkConsumptionRow(row: Uint8Array, context: IntervalContext): number {
  checkRowFrame(row, ROW_TYPE.consumption, context);
  const category = context.parameters.categoriesMilliWattHours.indexOf(rowValue(row));
  if (category < 0) {
    throw new ProtocolError('BAD_CATEGORY', 'value is not one of the five categories');
  }
  return category;
}

/**
 * Checks a consumption row with the meter's secrets, as CC and its peers do: the pseudonym, the one-time key, and the
 * signature. Meters sign deterministically, so the signature is made again and compared, which is faster than verifying
 * it and accepts no other signature.
 *
 * @param row 177 bytes that {@link checkConsumptionRow} accepted
 * @throws ProtocolError `K_RANGE`, `WRONG_PSEUDONYM`, `WRONG_KEY`, `BAD_SIGNATURE`
 */
export function checkRowSecrets(crypto: Crypto, scheme: PseudonymScheme, row: Uint8Array, secrets: RowSecrets): void {
  if (!equalBytes(scheme.derive(crypto, secrets), rowPseudonym(row))) {
    throw new ProtocolError('WRONG_PSEUDONYM', 'pseudonym is not the one of this message');
  }
  const key = oneTimeKey(crypto, secrets.epochNode, secrets.k);
  try {
    if (!equalBytes(key.publicKey, rowSignaturePublicKey(row))) {
      throw new ProtocolError('WRONG_KEY', 'key is not the one-time key of this message');
    }
    if (!equalBytes(key.sign(rowMessage(crypto, row)), rowSignature(row))) {
      throw new ProtocolError('BAD_SIGNATURE', 'signature is not the one of this row');
    }
  } finally {
    key.wipe();
  }
}
