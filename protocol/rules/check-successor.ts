// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { isX25519PublicKey } from '../crypto/x25519-key.js';
import { ProtocolError } from '../errors.js';
import { meterIdentity } from '../identity/meter-identity.js';
import type { Parameters, SignedParameters } from '../ledger/parameters.js';
import { parametersDigest } from '../ledger/parameters-json.js';
import { PROVIDED_KINDS } from '../ledger/row.js';
import { type SignedSuccessor, verifySuccessorSignature } from '../ledger/successor.js';
import { isIntervalStart } from '../schedule/intervals.js';

/**
 * A successor document beside the version of the parameters whose service provider it replaces. That the interval is
 * the oldest open one, and that the service provider was absent for long enough, only the ledger can check.
 *
 * @param parameters the version in force in the document's interval
 * @throws ProtocolError `MODE_UNSUPPORTED` in price mode `direct`, `SUCCESSOR_INVALID`, `BAD_SIGNATURE`
 */
export function checkSuccessor(crypto: Crypto, signed: SignedSuccessor, parameters: Parameters): void {
  const { successor } = signed;
  const { serviceProvider, serviceProviderKey, fromSeconds } = successor;
  if (parameters.priceMode === 'direct') {
    // Consumers' tags and the consumer lists are made with the key of the service provider that has vanished.
    throw new ProtocolError('MODE_UNSUPPORTED', 'a successor needs price mode ledger, the region has direct');
  }
  if (
    successor.region !== parameters.region ||
    successor.parametersVersion !== parameters.version ||
    !equalBytes(successor.parametersDigest, parametersDigest(crypto, parameters))
  ) {
    invalid('the successor is not one under these parameters');
  }
  if (fromSeconds < parameters.effectiveFromSeconds || !isIntervalStart(parameters, fromSeconds)) {
    invalid('the successor does not begin with an interval of its version');
  }
  if (serviceProvider.mspId === parameters.controlCenter.mspId) {
    invalid('control center and successor are one MSP');
  }
  if (!crypto.ed25519IsPrimeOrder(serviceProvider.signaturePublicKey)) {
    invalid("the successor's signature key is not of prime order");
  }
  for (const { signaturePublicKey } of [parameters.controlCenter, parameters.serviceProvider]) {
    if (equalBytes(serviceProvider.signaturePublicKey, signaturePublicKey)) {
      invalid('the successor has the signature key of the control center or of the service provider before');
    }
  }
  if (!isX25519PublicKey(serviceProviderKey)) {
    invalid("the successor's public key is of small order or not canonical");
  }
  if (!equalBytes(meterIdentity(crypto, serviceProviderKey), serviceProvider.identity)) {
    invalid("the successor's identity is not that of its public key");
  }
  verifySuccessorSignature(crypto, signed, parameters.controlCenter.signaturePublicKey);
}

/**
 * The successors in a list of versions: each right beside its version, and at most one for a service provider and
 * ledger.
 *
 * @throws ProtocolError as {@link checkSuccessor}
 */
export function checkSuccessors(crypto: Crypto, list: readonly SignedParameters[]): void {
  for (const kind of PROVIDED_KINDS) {
    const replaced: Uint8Array[] = [];
    list.forEach(({ parameters, successors }, i) => {
      const signed = successors?.[kind];
      if (signed === undefined) {
        return;
      }
      checkSuccessor(crypto, signed, parameters);
      const next = list[i + 1]?.parameters;
      if (next !== undefined && next.effectiveFromSeconds <= signed.successor.fromSeconds) {
        invalid('the successor begins after its version');
      }
      const { signaturePublicKey } = parameters.serviceProvider;
      if (replaced.some((key) => equalBytes(key, signaturePublicKey))) {
        invalid('a service provider has two successors on one ledger');
      }
      replaced.push(signaturePublicKey);
    });
  }
}

function invalid(reason: string): never {
  throw new ProtocolError('SUCCESSOR_INVALID', reason);
}
