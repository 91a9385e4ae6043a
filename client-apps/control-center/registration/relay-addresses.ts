// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import type { LinkTarget } from '../../links/connect.js';
import { isPublicAddress } from '../../links/public-address.js';
import type { SealedStore } from '../../runtime/sealed-store.js';
import { keyPrefix, storeKey } from '../store-keys.js';
import type { AdmittedRelay } from './relays.js';

/** Opens one link to an address; true when the holder of the link key answers there. */
export type Probe = (target: LinkTarget) => Promise<boolean>;

/**
 * The addresses of the relays. Every party links to what a directory names, so an address is in it only when the relay
 * itself has answered there with its link key, and then it stays: a relay cannot send meters to another host.
 */
export class RelayAddresses {
  /** By the relay's identity in hex. */
  readonly #proven = new Map<string, string>();
  readonly #store: SealedStore;
  readonly #probe: Probe;

  private constructor(store: SealedStore, probe: Probe) {
    this.#store = store;
    this.#probe = probe;
  }

  static async open(store: SealedStore, probe: Probe): Promise<RelayAddresses> {
    const addresses = new RelayAddresses(store, probe);
    for await (const [key, value] of store.iterate(keyPrefix('relayAddress'))) {
      addresses.#proven.set(key.slice(keyPrefix('relayAddress').length), new TextDecoder().decode(value));
    }
    return addresses;
  }

  /**
   * The reason why a relay may not announce an address; undefined when it may.
   *
   * @param isDemo whether any address is right: a demo's parties are all on one machine
   */
  fault({ identity, address: admitted }: AdmittedRelay, address: string, isDemo: boolean): string | undefined {
    const fixed = admitted ?? this.#proven.get(toHex(identity));
    if (fixed !== undefined && address !== fixed) {
      return `expected its address ${fixed}, found ${address}`;
    }
    return isDemo || isPublicAddress(address) ? undefined : `expected a public IP address and a port, found ${address}`;
  }

  /** Whether the relay has answered at this address, now or before. */
  async prove({ identity, linkPin }: AdmittedRelay, address: string): Promise<boolean> {
    const name = toHex(identity);
    if (this.#proven.get(name) === address) {
      return true;
    }
    if (!(await this.#probe({ address, pin: linkPin }))) {
      return false;
    }
    await this.#store.put(storeKey.relayAddress(name), new TextEncoder().encode(address));
    this.#proven.set(name, address);
    return true;
  }
}
