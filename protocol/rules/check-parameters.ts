// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { MAXIMUM_K } from '../crypto/ggm.js';
import { isX25519PublicKey } from '../crypto/x25519-key.js';
import { ProtocolError } from '../errors.js';
import { NO_DIGEST } from '../ledger/document.js';
import { isIntervalStart } from '../schedule/intervals.js';
import { epochOf, epochStartSeconds, intervalsPerEpoch } from '../schedule/epochs.js';
import { MAXIMUM_ROWS_PER_METER } from '../ledger/limits.js';
import {
  fingerprint,
  maximumRowsPerMeter,
  rowWatts,
  type Parameters,
  type SignedParameters,
} from '../ledger/parameters.js';
import { parametersDigest, verifyParametersSignature } from '../ledger/parameters-json.js';
import { type SignedRegistryRoot, verifyRegistryRootSignature } from '../ledger/registry-root.js';
import { checkCategories } from '../energy/categories.js';
import { verifyTariffSignature } from '../tariff/tariff.js';
import { checkSuccessors } from './check-successor.js';

/** Set once for a region: with another value the seals of two versions would not chain. */
const FIXED_FIELDS = [
  'region',
  'intervalSeconds',
  'epochOriginSeconds',
  'epochSeconds',
  'identityMode',
  'priceMode',
  'demo',
] as const;

/**
 * A version of the parameters: possible in itself, the successor of the version before, its tariff signed by SP and the
 * whole signed by CC (version 1 by its own key, later ones by the key of the version before).
 *
 * @param previous the version before; undefined for version 1
 * @throws ProtocolError `PARAMETERS_INVALID`, `BAD_CATEGORY`, `EPOCH_RANGE`, `PARAMETERS_CHAIN`, `BAD_SIGNATURE`
 */
export function checkParameters(crypto: Crypto, signed: SignedParameters, previous?: Parameters): void {
  const { parameters } = signed;
  checkTimes(parameters);
  checkKeys(crypto, parameters);
  checkCategories(parameters.categoriesMilliWattHours);
  checkConnections(parameters);
  checkSuccession(crypto, parameters, previous);
  verifyTariffSignature(crypto, {
    region: parameters.region,
    tariff: parameters.tariff,
    signature: parameters.tariffSignature,
    publicKey: parameters.serviceProvider.signaturePublicKey,
  });
  verifyParametersSignature(crypto, signed, (previous ?? parameters).controlCenter.signaturePublicKey);
}

/**
 * A whole list, from version 1, with the successors of its service providers.
 *
 * @param list as in `parameters.json`
 * @param trustedFingerprint hex SHA-256 of CC's signature key in version 1; undefined trusts the key that is found
 * @returns the fingerprint that is trusted
 * @throws ProtocolError as {@link checkParameters}; `PARAMETERS_INVALID` for an empty list, `WRONG_KEY` for another key; as
 *   {@link checkSuccessors}
 */
export function verifyParametersList(
  crypto: Crypto,
  list: readonly SignedParameters[],
  trustedFingerprint?: string,
): string {
  const first = list[0];
  if (first === undefined) {
    throw new ProtocolError('PARAMETERS_INVALID', 'there is no version of the parameters');
  }
  const found = fingerprint(crypto, first.parameters.controlCenter.signaturePublicKey);
  if (trustedFingerprint !== undefined && found !== trustedFingerprint) {
    throw new ProtocolError('WRONG_KEY', "the control center's key is not the trusted one");
  }
  list.forEach((signed, i) => checkParameters(crypto, signed, list[i - 1]?.parameters));
  checkSuccessors(crypto, list);
  return found;
}

/**
 * The registry root of an epoch.
 *
 * @param parameters the version in force when the epoch begins
 * @throws ProtocolError `REGISTRY_INVALID`, `EPOCH_RANGE`, `BAD_SIGNATURE`
 */
export function checkRegistryRoot(crypto: Crypto, signed: SignedRegistryRoot, parameters: Parameters): void {
  const { registryRoot } = signed;
  if (registryRoot.region !== parameters.region) {
    registryInvalid('registry root is of another region');
  }
  if (registryRoot.effectiveFromSeconds !== epochStartSeconds(parameters, registryRoot.epoch)) {
    registryInvalid('registry root is not effective from the start of its epoch');
  }
  if (registryRoot.depth !== parameters.registryDepth) {
    registryInvalid('depth is not the one of the parameters');
  }
  checkRegisteredMeters(registryRoot.meters, parameters);
  verifyRegistryRootSignature(crypto, signed, parameters.controlCenter.signaturePublicKey);
}

/**
 * The number of registered meters that a root or a seal names fits the registry's tree.
 *
 * @param parameters the version in force when the epoch begins
 * @throws ProtocolError `REGISTRY_INVALID`
 */
export function checkRegisteredMeters(meters: number, { registryDepth }: Parameters): void {
  if (meters > 2 ** registryDepth) {
    registryInvalid(`${meters} registered meters, at most ${2 ** registryDepth} at depth ${registryDepth}`);
  }
}

function checkTimes(parameters: Parameters): void {
  const { intervalSeconds, slotSeconds, epochSeconds, effectiveFromSeconds, graceSeconds, onion } = parameters;
  if (intervalSeconds % slotSeconds !== 0) {
    invalid('the interval is not a multiple of the slot');
  }
  if (epochSeconds % intervalSeconds !== 0) {
    invalid('the epoch is not a multiple of the interval');
  }
  if (!isIntervalStart(parameters, effectiveFromSeconds)) {
    invalid('effective from a second where no interval starts');
  }
  epochOf(parameters, effectiveFromSeconds);
  const rowsPerMeter = maximumRowsPerMeter(parameters);
  if (rowsPerMeter > MAXIMUM_ROWS_PER_METER) {
    invalid(`more than ${MAXIMUM_ROWS_PER_METER} rows per meter and interval`);
  }
  // Every row of an epoch takes one k, and k has 16 bits.
  if (rowsPerMeter * intervalsPerEpoch(parameters) > MAXIMUM_K) {
    invalid('an epoch has more rows than one-time keys');
  }
  if (onion.offsetWindowSeconds > slotSeconds) {
    invalid('the offset window is longer than a slot');
  }
  // What is sent in the last slot has arrived when the interval closes.
  const slowestMilliseconds = onion.layers * onion.meanDelayMilliseconds * onion.maximumDelayMeans;
  if (1000 * onion.offsetWindowSeconds + slowestMilliseconds > 1000 * (slotSeconds + graceSeconds)) {
    invalid('packets of the last slot can arrive after the close');
  }
}

/** What the strongest connection carries in an interval must fit into the rows of a window. */
function checkConnections(parameters: Parameters): void {
  const { maximumConnectionWatts } = parameters;
  if (maximumConnectionWatts !== undefined && maximumConnectionWatts > rowWatts(parameters)) {
    invalid(`connections of ${maximumConnectionWatts} W: the rows of a window hold ${rowWatts(parameters)} W`);
  }
}

function checkKeys(crypto: Crypto, { controlCenter, serviceProvider }: Parameters): void {
  if (controlCenter.mspId === serviceProvider.mspId) {
    invalid('control center and service provider are one MSP');
  }
  if (!isX25519PublicKey(controlCenter.publicKey)) {
    invalid("the control center's public key is of small order or not canonical");
  }
  for (const { signaturePublicKey } of [controlCenter, serviceProvider]) {
    if (!crypto.ed25519IsPrimeOrder(signaturePublicKey)) {
      invalid('a signature key is not of prime order');
    }
  }
  if (equalBytes(controlCenter.signaturePublicKey, serviceProvider.signaturePublicKey)) {
    invalid('control center and service provider have one signature key');
  }
}

function checkSuccession(crypto: Crypto, parameters: Parameters, previous: Parameters | undefined): void {
  if (parameters.version !== (previous?.version ?? 0) + 1) {
    chain('versions are not consecutive');
  }
  const digest = previous === undefined ? NO_DIGEST : parametersDigest(crypto, previous);
  if (!equalBytes(parameters.previous, digest)) {
    chain('does not name the version before');
  }
  if (previous === undefined) {
    return;
  }
  if (parameters.effectiveFromSeconds <= previous.effectiveFromSeconds) {
    chain('not effective after the version before');
  }
  for (const field of FIXED_FIELDS) {
    if (parameters[field] !== previous[field]) {
      chain(`${field} cannot change within a region`);
    }
  }
  if (!equalBytes(parameters.controlCenter.publicKey, previous.controlCenter.publicKey)) {
    chain("the control center's public key cannot change within a region");
  }
}

function invalid(reason: string): never {
  throw new ProtocolError('PARAMETERS_INVALID', reason);
}

function chain(reason: string): never {
  throw new ProtocolError('PARAMETERS_CHAIN', reason);
}

function registryInvalid(reason: string): never {
  throw new ProtocolError('REGISTRY_INVALID', reason);
}
