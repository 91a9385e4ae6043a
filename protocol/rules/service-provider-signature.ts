// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { type SignedHeader, verifyHeaderSignature } from '../ledger/signed-header.js';
import { type Seal, sealDigest } from '../ledger/seal.js';
import { rowSignaturePublicKey, verifyRowSignature } from '../ledger/row.js';
import type { IntervalContext } from './interval-context.js';

/** A price or bill row names SP's key. @throws ProtocolError `WRONG_KEY` */
export function checkServiceProviderKey(row: Uint8Array, context: IntervalContext): void {
  if (!equalBytes(rowSignaturePublicKey(row), context.serviceProvider.signaturePublicKey)) {
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

/**
 * A header of pricing or billing is signed by SP for the seal that it rests on and the parameters in force.
 *
 * @param basis the seal of the ledger below, checked
 * @throws ProtocolError `BAD_SIGNATURE`
 */
export function checkHeaderSignature(
  crypto: Crypto,
  signed: SignedHeader,
  context: IntervalContext,
  basis: Seal,
): void {
  const { parametersDigest, serviceProvider } = context;
  const about = { basis: sealDigest(crypto, basis), parametersDigest };
  verifyHeaderSignature(crypto, signed, about, serviceProvider.signaturePublicKey);
}
