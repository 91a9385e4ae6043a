// SPDX-License-Identifier: Apache-2.0
import { equalBytes, toHex } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { checkDescriptor, chooseRelays, type LeftOut } from '../../../protocol/onion/directory.js';
import {
  decodeSignedDescriptor,
  encodeSignedDescriptor,
  type ControlCenterEntry,
  type SignedDescriptor,
} from '../../../protocol/onion/directory-format.js';
import { mapBounded } from '../../runtime/bounded.js';
import type { Log } from '../../runtime/log.js';
import type { SealedStore } from '../../runtime/sealed-store.js';
import type { ParameterVersions } from './parameter-versions.js';
import type { RelayAddresses } from '../registration/relay-addresses.js';
import type { AdmittedRelay, Relays } from '../registration/relays.js';
import { storeKey } from '../store-keys.js';

/** Maximum number of epochs ahead for a descriptor: a week of daily epochs, to bridge an outage of that length. */
const MAXIMUM_EPOCHS_AHEAD = 7;

/**
 * Relays that are probed at once: 1,024 that do not answer within five seconds, and take two to end, hold an epoch up for
 * 112 seconds.
 */
const PROBES_AT_ONCE = 64;

/** Parts of the control center that descriptors are checked with. */
export interface DescriptorSources {
  readonly store: SealedStore;
  readonly relays: Relays;
  readonly addresses: RelayAddresses;
  readonly versions: ParameterVersions;
  readonly log: Log;
}

/** Descriptors of the admitted relays, kept until their epoch's directory is made. */
export class Descriptors {
  readonly #sources: DescriptorSources;

  constructor(sources: DescriptorSources) {
    this.#sources = sources;
  }

  /** The admitted relay that holds this link key. */
  relayOf(linkPin: Uint8Array): AdmittedRelay | undefined {
    return this.#sources.relays.ofLink(linkPin);
  }

  /**
   * Stores a relay's descriptor; a later one for the same epoch replaces it, until that epoch's directory is made.
   *
   * @param relay the sender, by its link
   * @param bytes from the relay
   * @param nextEpoch the first epoch whose directory is not made yet
   * @throws ProtocolError as `decodeSignedDescriptor` and `checkDescriptor`; DIRECTORY_INVALID for a descriptor that is
   *   not the relay's, or for an epoch that is too far ahead, or names another address than it may
   */
  async accept(relay: AdmittedRelay, bytes: Uint8Array, nextEpoch: number): Promise<void> {
    const signed = decodeSignedDescriptor(bytes);
    const { descriptor } = signed;
    // A relay that returns announces the current epoch again; the directory of that epoch is fixed.
    if (descriptor.epoch < nextEpoch) {
      return;
    }
    if (descriptor.epoch > nextEpoch + MAXIMUM_EPOCHS_AHEAD) {
      throw new ProtocolError('DIRECTORY_INVALID', 'descriptor is for an epoch that is too far ahead');
    }
    const isOfRelay =
      equalBytes(descriptor.identity, relay.identity) &&
      equalBytes(descriptor.linkPin, relay.linkPin) &&
      descriptor.operator === relay.operator &&
      descriptor.layer === relay.layer;
    if (!isOfRelay) {
      throw new ProtocolError('DIRECTORY_INVALID', 'descriptor is not that of the admitted relay');
    }
    const { store, versions, addresses } = this.#sources;
    const { onion, demo, region } = versions.ofEpoch(descriptor.epoch);
    checkDescriptor(sodiumCrypto, signed, {
      region,
      epoch: descriptor.epoch,
      layers: onion.layers,
      timing: versions.first,
    });
    const fault = addresses.fault(relay, descriptor.address, demo);
    if (fault !== undefined) {
      throw new ProtocolError('DIRECTORY_INVALID', fault);
    }
    await store.put(storeKey.descriptor(descriptor.epoch, toHex(relay.identity)), encodeSignedDescriptor(signed));
  }

  /**
   * The relays of an epoch's directory: those that are still admitted, are in a layer that it has, answer at their
   * address, and do not conflict with the control center or with a relay that was admitted before. The others are named
   * in the log with the reason.
   *
   * @param excluded numbers of the households' relays that are excluded
   */
  async choose(
    epoch: number,
    controlCenter: ControlCenterEntry,
    excluded: ReadonlySet<number>,
  ): Promise<SignedDescriptor[]> {
    const { relays, log } = this.#sources;
    const described = await mapBounded(PROBES_AT_ONCE, relays.admitted(excluded), (relay) =>
      this.#usable(relay, epoch, controlCenter),
    );
    const usable = described.filter((one): one is SignedDescriptor => one !== undefined && 'signature' in one);
    const unusable = described.filter((one): one is LeftOut => one !== undefined && 'reason' in one);
    const { relays: chosen, leftOut } = chooseRelays(controlCenter, usable);
    for (const { descriptor, reason } of [...unusable, ...leftOut]) {
      const { operator, layer, address } = descriptor;
      log.warn({ epoch, operator, layer, relay: address, reason }, 'relay is not in the relay directory of the epoch');
    }
    return chosen;
  }

  /** A relay's descriptor for an epoch that has its layer, or why it cannot be used; undefined when it sent none. */
  async #usable(
    relay: AdmittedRelay,
    epoch: number,
    controlCenter: ControlCenterEntry,
  ): Promise<SignedDescriptor | LeftOut | undefined> {
    const { store, versions, addresses } = this.#sources;
    const { onion, demo } = versions.ofEpoch(epoch);
    const bytes = await store.get(storeKey.descriptor(epoch, toHex(relay.identity)));
    if (bytes === undefined || relay.layer > onion.layers) {
      return undefined;
    }
    const signed = decodeSignedDescriptor(bytes);
    const { descriptor } = signed;
    // Since the descriptor came, the operator may have changed the relay's address, or the relay may have proven another.
    const fault = addresses.fault(relay, descriptor.address, demo);
    if (fault !== undefined) {
      return { descriptor, reason: fault };
    }
    // The control center's own address is no relay's: chooseRelays leaves it out without a probe.
    if (descriptor.address === controlCenter.address || (await addresses.prove(relay, descriptor.address))) {
      return signed;
    }
    return { descriptor, reason: 'no relay with its link key answers at its address' };
  }
}
