// SPDX-License-Identifier: Apache-2.0
import { concatBytes, equalBytes } from '../../../protocol/crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH } from '../../../protocol/crypto/crypto.js';
import { MAXIMUM_RELAYS } from '../../../protocol/onion/directory-format.js';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import type { ControlCenterConfig } from '../config.js';
import { keyPrefix, lastNumber, storeKey } from '../store-keys.js';

/** A relay whose descriptors are taken. */
export type AdmittedRelay = Omit<ControlCenterConfig['relays'][number], 'address'> & {
  /** Undefined for a household's, which fixes its own by answering there. */
  readonly address?: string | undefined;
};

/** A relay that a household enrolled with a one-use code. */
export interface HouseholdRelay extends AdmittedRelay {
  /** Running number among these relays, unrelated to the numbers of meters. */
  readonly number: number;
}

/**
 * The relays whose descriptors are taken: those of the configuration, which the operator admitted, and those that
 * households enrolled. The second kind gets its layer here, where fewest are, so a household cannot choose whose packets it sees.
 */
export class Relays {
  readonly #enrolled: HouseholdRelay[] = [];

  readonly #configured: readonly AdmittedRelay[];

  private constructor(configured: readonly AdmittedRelay[]) {
    this.#configured = configured;
  }

  static async open(store: SealedStore, configured: readonly AdmittedRelay[]): Promise<Relays> {
    const relays = new Relays(configured);
    for await (const [key, value] of store.iterate(keyPrefix('relay'))) {
      relays.add({
        ...numbered(lastNumber(key)),
        layer: value[0]!,
        identity: value.slice(1, 1 + KEY_LENGTH),
        linkPin: value.slice(1 + KEY_LENGTH),
      });
    }
    return relays;
  }

  get isFull(): boolean {
    return this.#configured.length + this.#enrolled.length >= MAXIMUM_RELAYS;
  }

  /** @param linkPin SHA-256 of the SubjectPublicKeyInfo of its link key */
  ofLink(linkPin: Uint8Array): AdmittedRelay | undefined {
    return this.#all().find((relay) => equalBytes(relay.linkPin, linkPin));
  }

  /** Those that are still admitted, in the order of their admission. @param excluded numbers of households' relays */
  admitted(excluded: ReadonlySet<number>): readonly AdmittedRelay[] {
    return this.#all().filter((relay) => !(isHousehold(relay) && excluded.has(relay.number)));
  }

  /** @param identity the key that signs its descriptors */
  ofIdentity(identity: Uint8Array): AdmittedRelay | undefined {
    return this.#all().find((relay) => equalBytes(relay.identity, identity));
  }

  /** The household's relay with both of these keys. @param keys identity ‖ linkPin */
  household(keys: Uint8Array): HouseholdRelay | undefined {
    return this.#enrolled.find(({ identity, linkPin }) => equalBytes(concatBytes(identity, linkPin), keys));
  }

  /**
   * Prepares a household's relay, in the layer with the fewest relays. Nothing is changed until {@link add}, after the
   * change is durable.
   *
   * @param keys identity 32 ‖ linkPin 32
   * @param layers of the newest parameters
   * @param excluded numbers of those that are excluded and not counted
   */
  prepare(
    keys: Uint8Array,
    layers: number,
    excluded: ReadonlySet<number>,
  ): { relay: HouseholdRelay; change: StoreChange } {
    const counted = [...this.#configured, ...this.#enrolled.filter(({ number }) => !excluded.has(number))];
    const sizes = Array.from(
      { length: layers },
      (_, index) => counted.filter(({ layer }) => layer === index + 1).length,
    );
    const relay: HouseholdRelay = {
      ...numbered(this.#enrolled.length),
      layer: 1 + sizes.indexOf(Math.min(...sizes)),
      identity: keys.slice(0, KEY_LENGTH),
      linkPin: keys.slice(KEY_LENGTH, KEY_LENGTH + DIGEST_LENGTH),
    };
    return {
      relay,
      change: { key: storeKey.relay(relay.number), value: concatBytes(Uint8Array.of(relay.layer), keys) },
    };
  }

  add(relay: HouseholdRelay): void {
    this.#enrolled[relay.number] = relay;
  }

  #all(): readonly AdmittedRelay[] {
    return [...this.#configured, ...this.#enrolled];
  }
}

function isHousehold(relay: AdmittedRelay): relay is HouseholdRelay {
  return 'number' in relay;
}

/** Each household is an operator of its own, under a name that does not identify it. */
function numbered(number: number): { number: number; operator: string } {
  return { number, operator: `household-${number}` };
}
