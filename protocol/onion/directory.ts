// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { isX25519PublicKey } from '../crypto/x25519-key.js';
import { ProtocolError } from '../errors.js';
import type { IntervalTiming } from '../schedule/intervals.js';
import { directoryValidity, type Validity } from '../schedule/epochs.js';
import {
  parseAddress,
  verifyDescriptorSignature,
  verifyDirectorySignature,
  type ControlCenterEntry,
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

/** A descriptor that is not in a directory, and why. */
export interface LeftOut {
  readonly descriptor: RelayDescriptor;
  /** What it shares with the control center or with a relay that was admitted before it. */
  readonly reason: string;
}

/**
 * Chooses the relays of a directory from descriptors that {@link checkDescriptor} accepts. Of two that conflict the one
 * whose relay was admitted later is left out, so that a new relay cannot displace one that is there.
 *
 * @param admitted in the order in which their relays were admitted
 */
export function chooseRelays(
  controlCenter: ControlCenterEntry,
  admitted: readonly SignedDescriptor[],
): { readonly relays: SignedDescriptor[]; readonly leftOut: LeftOut[] } {
  const conflicts = new Conflicts(controlCenter);
  const leftOut: LeftOut[] = [];
  const relays = admitted.filter(({ descriptor }) => {
    const reason = conflicts.add(descriptor);
    if (reason !== undefined) {
      leftOut.push({ descriptor, reason });
    }
    return reason === undefined;
  });
  return { relays: sortDescriptors(relays), leftOut };
}

/**
 * Checks a directory completely, so that its users need not check anything again: signatures, region, epoch, times,
 * order, all keys and addresses; no address, identity, link key or onion key twice; in every layer at least
 * MINIMUM_RELAYS_PER_LAYER relays; no operator in two layers.
 *
 * @throws ProtocolError BAD_SIGNATURE, BAD_POINT, MALFORMED, DIRECTORY_INVALID
 */
export function checkDirectory(crypto: Crypto, signed: SignedDirectory, expected: DirectoryExpectations): void {
  const { directory } = signed;
  verifyDirectorySignature(crypto, signed, expected.signaturePublicKey);
  const validity = directoryValidity(expected.timing, expected.epoch);
  demand(sameScope(directory, expected, validity), 'directory is for another region, epoch or time');
  demand(directory.layers === expected.layers, 'directory has another number of layers than the parameters');
  parseAddress(directory.controlCenter.address);
  checkOnionKey(directory.controlCenter.onionKey, 'the control center');
  directory.relays.forEach((entry, index) => {
    const { descriptor } = entry;
    const previous = directory.relays[index - 1]?.descriptor;
    demand(previous === undefined || compareDescriptors(previous, descriptor) < 0, 'relays are not in order');
    checkDescriptor(crypto, entry, expected);
  });
  const conflicts = new Conflicts(directory.controlCenter);
  for (const { descriptor } of directory.relays) {
    const conflict = conflicts.add(descriptor);
    demand(conflict === undefined, `relay ${descriptor.address}: ${conflict}`);
  }
  for (let layer = 1; layer <= directory.layers; layer++) {
    const { length } = relaysOfLayer(directory, layer);
    demand(
      length >= MINIMUM_RELAYS_PER_LAYER,
      `layer ${layer} has too few relays: expected at least ${MINIMUM_RELAYS_PER_LAYER}, found ${length}`,
    );
  }
}

/**
 * Checks one relay's descriptor, as the control center does when it gets it, and every reader of a directory.
 *
 * @throws ProtocolError BAD_SIGNATURE; BAD_POINT: the identity is not of prime order, or the onion key is of small order
 *   or not canonical; MALFORMED: the address; DIRECTORY_INVALID
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
  parseAddress(descriptor.address);
  if (!crypto.ed25519IsPrimeOrder(descriptor.identity)) {
    throw new ProtocolError('BAD_POINT', `identity of relay ${descriptor.address} is not a point of prime order`);
  }
  checkOnionKey(descriptor.onionKey, `relay ${descriptor.address}`);
}

/** Indices of the relays of a layer (1 is the entry), ascending. */
export function relaysOfLayer(directory: Directory, layer: number): number[] {
  return directory.relays.flatMap(({ descriptor }, index) => (descriptor.layer === layer ? [index] : []));
}

function checkOnionKey(key: Uint8Array, whose: string): void {
  if (!isX25519PublicKey(key)) {
    throw new ProtocolError('BAD_POINT', `onion key of ${whose} is of small order or not canonical`);
  }
}

/** What the entries of a directory must not share: addresses, keys, and an operator between layers. */
class Conflicts {
  readonly #taken = new Map<string, string>();
  readonly #layerOfOperator = new Map<string, number>();

  constructor({ address, linkPin, onionKey }: ControlCenterEntry) {
    for (const [value] of uniqueValues({ address, linkPin, onionKey })) {
      this.#taken.set(value, 'the control center');
    }
  }

  /** @returns why a relay conflicts with the entries before it; undefined when it does not, and is one of them now */
  add(descriptor: RelayDescriptor): string | undefined {
    const { address, operator, layer } = descriptor;
    const values = uniqueValues(descriptor);
    for (const [value, what] of values) {
      const owner = this.#taken.get(value);
      if (owner !== undefined) {
        return `${what} occurs twice: it is that of ${owner}`;
      }
    }
    // An operator that served two layers would see two hops of the packets that pass both.
    const other = this.#layerOfOperator.get(operator) ?? layer;
    if (other !== layer) {
      return `an operator serves two layers: ${operator} serves layer ${other}`;
    }
    this.#layerOfOperator.set(operator, layer);
    for (const [value] of values) {
      this.#taken.set(value, `relay ${address} of ${operator}`);
    }
    return undefined;
  }
}

function uniqueValues(entry: ControlCenterEntry & Partial<RelayDescriptor>): [value: string, what: string][] {
  const { address, linkPin, onionKey, identity } = entry;
  return [
    [`address ${address}`, 'an address'],
    [`link ${toHex(linkPin)}`, 'a link key'],
    [`onion ${toHex(onionKey)}`, 'an onion key'],
    ...(identity === undefined ? [] : [[`identity ${toHex(identity)}`, 'an identity'] as [string, string]]),
  ];
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
