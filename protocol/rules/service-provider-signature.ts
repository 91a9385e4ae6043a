// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { type SignedHeader, verifyHeaderSignature } from '../ledger/signed-header.js';
import { type Seal, sealDigest } from '../ledger/seal.js';
import { ROW_OFFSET, ROW_TYPE, rowSignaturePublicKey, verifyRowSignature } from '../ledger/row.js';
import type { IntervalContext } from './interval-context.js';

/** A price or bill row names the key of SP in force. @throws ProtocolError `WRONG_KEY` */
export function checkServiceProviderKey(row: Uint8Array, context: IntervalContext): void {
  const kind = row[ROW_OFFSET.type] === ROW_TYPE.price ? 'pricing' : 'billing';
  if (!equalBytes(rowSignaturePublicKey(row), context.serviceProviders[kind].signaturePublicKey)) {
    throw new ProtocolError('WRONG_KEY', 'key is not that of the service provider in force');
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
 * A header of pricing or billing is signed by SP in force for the seal that it rests on and the parameters in force.
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
  const { parametersDigest, serviceProviders } = context;
  const about = { basis: sealDigest(crypto, basis), parametersDigest };
  const kind = signed.header.kind === 'pricing' ? 'pricing' : 'billing';
  verifyHeaderSignature(crypto, signed, about, serviceProviders[kind].signaturePublicKey);
}
