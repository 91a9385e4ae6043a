// SPDX-License-Identifier: Apache-2.0
import { compareBytes, equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { meterIdentity, requirePublicKey } from '../identity/meter-identity.js';
import { type SignedConsumerList, verifyConsumerListSignature } from '../ledger/consumer-list.js';
import type { Header } from '../ledger/header.js';
import type { Parameters } from '../ledger/parameters.js';

/**
 * The consumer list of an epoch: its region and epoch, SP's key behind ID_SP, each consumer once, CC's signature.
 *
 * @param parameters the version in force when the epoch begins
 * @throws ProtocolError `CONSUMERS_INVALID`, `NON_CANONICAL`, `ZERO_SHARED_SECRET`, `BAD_SIGNATURE`
 */
export function checkConsumerList(
  crypto: Crypto,
  signed: SignedConsumerList,
  epoch: number,
  parameters: Parameters,
): void {
  const { region, epoch: found, serviceProviderKey, consumers } = signed.list;
  if (parameters.priceMode !== 'direct') {
    invalid('the region publishes one price for all');
  }
  if (region !== parameters.region || found !== epoch) {
    invalid('consumer list is of another region or epoch');
  }
  if (!equalBytes(meterIdentity(crypto, serviceProviderKey), parameters.serviceProvider.identity)) {
    invalid("key is not the service provider's");
  }
  requirePublicKey(serviceProviderKey);
  consumers.forEach((key, i) => {
    requirePublicKey(key);
    const before = consumers[i - 1];
    if (before !== undefined && compareBytes(before, key) >= 0) {
      invalid('consumers are not in strictly ascending order');
    }
  });
  verifyConsumerListSignature(crypto, signed, parameters.controlCenter.signaturePublicKey);
}

/** There is a price row for each consumer of the epoch. @throws ProtocolError `HEADER_MISMATCH` */
export function checkPriceCount(header: Header, consumers: number): void {
  if (header.count !== consumers) {
    throw new ProtocolError('HEADER_MISMATCH', `expected ${consumers} price rows, got ${header.count}`);
  }
}

function invalid(reason: string): never {
  throw new ProtocolError('CONSUMERS_INVALID', reason);
}
