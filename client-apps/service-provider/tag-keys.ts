// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { sharedLinkKey } from '../../protocol/identity/meter-identity.js';
import { priceTagKey } from '../../protocol/identity/price-tag.js';
import type { ConsumerList } from '../../protocol/ledger/consumer-list.js';

/**
 * The keys of consumers' price rows. They are made once an epoch: each costs a multiplication on the curve and as many
 * hashes as epochs have gone by.
 */
export class TagKeys {
  #epoch = -1;
  #keys: readonly Uint8Array[] = [];

  readonly #secretKey: Uint8Array;

  /** @param secretKey sk_SP */
  constructor(secretKey: Uint8Array) {
    this.#secretKey = secretKey;
  }

  /** The keys of an epoch's consumers, in the order of the list. */
  of({ epoch, consumers }: ConsumerList): readonly Uint8Array[] {
    if (epoch !== this.#epoch) {
      this.#keys = consumers.map((consumer) => {
        const sharedKey = sharedLinkKey(sodiumCrypto, this.#secretKey, consumer);
        return priceTagKey(sodiumCrypto, sharedKey, epoch);
      });
      this.#epoch = epoch;
    }
    return this.#keys;
  }
}
