// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { rowSignaturePublicKey, verifyRowSignature } from '../ledger/row.js';
import type { IntervalContext } from './interval-context.js';

/** A price or bill row names SP's key. @throws ProtocolError `WRONG_KEY` */
export function checkServiceProviderKey(row: Uint8Array, context: IntervalContext): void {
  if (!equalBytes(rowSignaturePublicKey(row), context.parameters.serviceProvider.signaturePublicKey)) {
    throw new ProtocolError('WRONG_KEY', "key is not the service provider's");
  }
}

/** A price or bill row is signed by SP. @throws ProtocolError `WRONG_KEY`, `BAD_SIGNATURE` */
export function checkServiceProviderSignature(crypto: Crypto, row: Uint8Array, context: IntervalContext): void {
  checkServiceProviderKey(row, context);
  if (!verifyRowSignature(crypto, row)) {
    throw new ProtocolError('BAD_SIGNATURE', "service provider's signature is not valid");
  }
}
