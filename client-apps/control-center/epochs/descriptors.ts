// SPDX-License-Identifier: Apache-2.0
import { equalBytes, toHex } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { checkDescriptor } from '../../../protocol/onion/directory.js';
import {
  decodeSignedDescriptor,
  encodeSignedDescriptor,
  type SignedDescriptor,
} from '../../../protocol/onion/directory-format.js';
import type { SealedStore } from '../../runtime/sealed-store.js';
import type { AdmittedRelay } from '../config.js';
import type { ParameterVersions } from './parameter-versions.js';
import type { Relays } from '../registration/relays.js';
import { keyPrefix, storeKey } from '../store-keys.js';

/** Maximum number of epochs ahead for a descriptor: a week of daily epochs, to bridge an outage of that length. */
const MAXIMUM_EPOCHS_AHEAD = 7;

/** Descriptors of the admitted relays, kept until their epoch's directory is made. */
export class Descriptors {
  readonly #store: SealedStore;
  readonly #region: string;
  readonly #relays: Relays;
  readonly #versions: ParameterVersions;

  constructor(store: SealedStore, region: string, relays: Relays, versions: ParameterVersions) {
    this.#store = store;
    this.#region = region;
    this.#relays = relays;
    this.#versions = versions;
  }

  /** The admitted relay that holds this link key. */
  relayOf(linkPin: Uint8Array): AdmittedRelay | undefined {
    return this.#relays.ofLink(linkPin);
  }

  /**
   * Stores a relay's descriptor; a later one for the same epoch replaces it, until that epoch's directory is made.
   *
   * @param relay the sender, by its link
   * @param bytes from the relay
   * @param nextEpoch the first epoch whose directory is not made yet
   * @throws ProtocolError as `decodeSignedDescriptor` and `checkDescriptor`; DIRECTORY_INVALID for a descriptor that is
   *   not the relay's, or for an epoch that is too far ahead
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
    checkDescriptor(sodiumCrypto, signed, {
      region: this.#region,
      epoch: descriptor.epoch,
      layers: this.#versions.ofEpoch(descriptor.epoch).onion.layers,
      timing: this.#versions.first,
    });
    await this.#store.put(storeKey.descriptor(descriptor.epoch, toHex(relay.identity)), encodeSignedDescriptor(signed));
  }

  /**
   * The descriptors for an epoch, of relays that are still admitted and in a layer that it has.
   *
   * @param excluded numbers of the households' relays that are excluded
   */
  async of(epoch: number, excluded: ReadonlySet<number>): Promise<SignedDescriptor[]> {
    const { layers } = this.#versions.ofEpoch(epoch).onion;
    const found: SignedDescriptor[] = [];
    for await (const [, value] of this.#store.iterate(keyPrefix('descriptor', epoch))) {
      const signed = decodeSignedDescriptor(value);
      const { linkPin, layer } = signed.descriptor;
      const isAdmitted = this.#relays.isAdmitted(linkPin, excluded);
      if (isAdmitted && layer <= layers) {
        found.push(signed);
      }
    }
    return found;
  }
}
