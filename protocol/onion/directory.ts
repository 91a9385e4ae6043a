// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import type { IntervalTiming } from '../schedule/intervals.js';
import { directoryValidity, type Validity } from '../schedule/epochs.js';
import {
  verifyDescriptorSignature,
  verifyDirectorySignature,
  type Directory,
  type RelayDescriptor,
  type SignedDescriptor,
  type SignedDirectory,
} from './directory-format.js';

/** With one relay in a layer there is no choice there, so no uncertainty. */
export const MINIMUM_RELAYS_PER_LAYER = 2;

/** Expected properties of a directory, from the signed parameters. */
export interface DirectoryExpectations {
  readonly region: string;
  readonly epoch: number;
  /** Number of layers. */
  readonly layers: number;
  readonly timing: IntervalTiming;
  /** The control center's Ed25519 key. */
  readonly signaturePublicKey: Uint8Array;
}

/** Puts descriptors into a directory's order: by layer, then address (code units). */
export function sortDescriptors(descriptors: readonly SignedDescriptor[]): SignedDescriptor[] {
  return [...descriptors].sort((a, b) => compareDescriptors(a.descriptor, b.descriptor));
}

/**
 * Checks a directory completely, so that its users need not check anything again: signatures, region, epoch,
 * times, order; no address, identity, link key or onion key twice; in every layer at least
 * MINIMUM_RELAYS_PER_LAYER relays; no operator in two layers.
 *
 * @throws ProtocolError BAD_SIGNATURE, DIRECTORY_INVALID
 */
export function checkDirectory(crypto: Crypto, signed: SignedDirectory, expected: DirectoryExpectations): void {
  const { directory } = signed;
  verifyDirectorySignature(crypto, signed, expected.signaturePublicKey);
  const validity = directoryValidity(expected.timing, expected.epoch);
  demand(sameScope(directory, expected, validity), 'directory is for another region, epoch or time');
  demand(directory.layers === expected.layers, 'directory has another number of layers than the parameters');
  directory.relays.forEach((entry, index) => {
    const { descriptor } = entry;
    const previous = directory.relays[index - 1]?.descriptor;
    demand(previous === undefined || compareDescriptors(previous, descriptor) < 0, 'relays are not in order');
    checkDescriptor(crypto, entry, expected);
  });
  checkUnique(directory);
  checkLayers(directory);
}

/**
 * Checks one relay's descriptor, as the control center does before it admits it.
 *
 * @throws ProtocolError BAD_SIGNATURE, DIRECTORY_INVALID
 */
export function checkDescriptor(
  crypto: Crypto,
  signed: SignedDescriptor,
  expected: Omit<DirectoryExpectations, 'signaturePublicKey'>,
): void {
  const { descriptor } = signed;
  verifyDescriptorSignature(crypto, signed);
  const validity = directoryValidity(expected.timing, expected.epoch);
  demand(sameScope(descriptor, expected, validity), 'descriptor is for another region, epoch or time');
  demand(descriptor.layer <= expected.layers, 'relay is in a layer that does not exist');
}

/** Indices of the relays of a layer (1 is the entry), ascending. */
export function relaysOfLayer(directory: Directory, layer: number): number[] {
  return directory.relays.flatMap(({ descriptor }, index) => (descriptor.layer === layer ? [index] : []));
}

function checkUnique({ relays, controlCenter }: Directory): void {
  const descriptors = relays.map(({ descriptor }) => descriptor);
  const unique = (what: string, values: readonly string[]): void =>
    demand(new Set(values).size === values.length, `${what} occurs twice`);
  unique('an address', [controlCenter.address, ...descriptors.map(({ address }) => address)]);
  unique(
    'an identity',
    descriptors.map(({ identity }) => toHex(identity)),
  );
  unique('a link key', [toHex(controlCenter.linkPin), ...descriptors.map(({ linkPin }) => toHex(linkPin))]);
  unique('an onion key', [toHex(controlCenter.onionKey), ...descriptors.map(({ onionKey }) => toHex(onionKey))]);
}

/** An operator that served two layers would see two hops of the packets that pass both. */
function checkLayers(directory: Directory): void {
  const layerOfOperator = new Map<string, number>();
  for (const { descriptor } of directory.relays) {
    const layer = layerOfOperator.get(descriptor.operator) ?? descriptor.layer;
    demand(layer === descriptor.layer, 'an operator serves two layers');
    layerOfOperator.set(descriptor.operator, layer);
  }
  for (let layer = 1; layer <= directory.layers; layer++) {
    demand(relaysOfLayer(directory, layer).length >= MINIMUM_RELAYS_PER_LAYER, `layer ${layer} has too few relays`);
  }
}

function sameScope(
  scope: { readonly region: string; readonly epoch: number } & Validity,
  expected: { readonly region: string; readonly epoch: number },
  validity: Validity,
): boolean {
  return (
    scope.region === expected.region &&
    scope.epoch === expected.epoch &&
    scope.validFromSeconds === validity.validFromSeconds &&
    scope.validUntilSeconds === validity.validUntilSeconds
  );
}

function compareDescriptors(a: RelayDescriptor, b: RelayDescriptor): number {
  if (a.layer !== b.layer) {
    return a.layer - b.layer;
  }
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

function demand(condition: boolean, message: string): void {
  if (!condition) {
    throw new ProtocolError('DIRECTORY_INVALID', message);
  }
}
