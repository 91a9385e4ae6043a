// SPDX-License-Identifier: Apache-2.0
import { compareBytes, concatBytes, readUint16, toHex, writeUint16 } from '../../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../../protocol/crypto/crypto.js';
import { requirePublicKey } from '../../../protocol/identity/meter-identity.js';
import type { ConsumerList } from '../../../protocol/ledger/consumer-list.js';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import { keyPrefix, lastNumber, storeKey } from '../store-keys.js';

/** A household's hub, as in the consumer list for the service provider. */
export interface Consumer {
  readonly number: number;
  /** pk_{U_i}, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** First registry epoch whose list has it. */
  readonly firstEpoch: number;
}

/** The enrolled hubs and the keys under which they get their prices in price mode `direct`. */
export class Consumers {
  readonly #consumers: Consumer[] = [];
  readonly #byPublicKey = new Map<string, Consumer>();

  readonly #region: string;
  readonly #serviceProviderKey: Uint8Array;

  private constructor(region: string, serviceProviderKey: Uint8Array) {
    this.#region = region;
    this.#serviceProviderKey = serviceProviderKey;
  }

  /** @param serviceProviderKey pk_SP */
  static async open(store: SealedStore, region: string, serviceProviderKey: Uint8Array): Promise<Consumers> {
    const consumers = new Consumers(region, serviceProviderKey);
    for await (const [key, value] of store.iterate(keyPrefix('consumer'))) {
      consumers.add({
        number: lastNumber(key),
        publicKey: value.slice(0, KEY_LENGTH),
        firstEpoch: readUint16(value, KEY_LENGTH),
      });
    }
    return consumers;
  }

  get size(): number {
    return this.#consumers.length;
  }

  /** @param publicKey pk_{U_i} */
  find(publicKey: Uint8Array): Consumer | undefined {
    return this.#byPublicKey.get(toHex(publicKey));
  }

  /**
   * Prepares a new one, with the next number. Nothing is changed until {@link add}, after the change is durable.
   *
   * @throws ProtocolError NON_CANONICAL, ZERO_SHARED_SECRET for a key with which no secret can be shared
   */
  prepare(publicKey: Uint8Array, firstEpoch: number): { consumer: Consumer; change: StoreChange } {
    requirePublicKey(publicKey);
    const consumer: Consumer = { number: this.#consumers.length, publicKey, firstEpoch };
    const epoch = new Uint8Array(2);
    writeUint16(epoch, 0, firstEpoch);
    return { consumer, change: { key: storeKey.consumer(consumer.number), value: concatBytes(publicKey, epoch) } };
  }

  add(consumer: Consumer): void {
    this.#consumers[consumer.number] = consumer;
    this.#byPublicKey.set(toHex(consumer.publicKey), consumer);
  }

  /** The list of an epoch. @param excluded numbers of the excluded consumers */
  listOf(epoch: number, excluded: ReadonlySet<number>): ConsumerList {
    const region = this.#region;
    const serviceProviderKey = this.#serviceProviderKey;
    const consumers = this.#consumers
      .filter(({ number, firstEpoch }) => firstEpoch <= epoch && !excluded.has(number))
      .map(({ publicKey }) => publicKey)
      .sort(compareBytes);
    return { region, epoch, serviceProviderKey, consumers };
  }
}
