// SPDX-License-Identifier: Apache-2.0
import { concatBytes, readUint16, toHex, wipe, writeUint16 } from '../../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../../protocol/crypto/crypto.js';
import { PuncturedTree } from '../../../protocol/crypto/ggm.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { meterIdentity, ratchetTo } from '../../../protocol/identity/meter-identity.js';
import { decodeAs, encodeAs, hex, integer, record, type Codec } from '../../../protocol/ledger/canonical-codec.js';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import { keyPrefix, lastNumber, storeKey } from '../store-keys.js';

/** The permanent record of a meter's enrolment. */
export interface Meter {
  readonly number: number;
  /** pk_i, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** First registry epoch it is registered in. */
  readonly firstEpoch: number;
  /** Digest over link pin and K_i: tells a repeated enrolment from another one after K_i is forgotten. */
  readonly commitment: Uint8Array;
}

/** A meter's keys in one epoch. */
export interface EpochSecrets {
  /** ID_i, 32 bytes. */
  readonly identity: Uint8Array;
  /** h_e, 32 bytes. */
  readonly linkKey: Uint8Array;
  /** N_e, 32 bytes. */
  readonly epochNode: Uint8Array;
}

/** Bound on a stored meter's JSON. */
const MAXIMUM_METER_BYTES = 512;
const meterCodec: Codec<Omit<Meter, 'number'>> = record({
  commitment: hex(KEY_LENGTH),
  firstEpoch: integer(0, 0xffff),
  publicKey: hex(KEY_LENGTH),
});

/**
 * The registered meters. Of a meter's keys the store holds those of open epochs and, in one record that is ratcheted
 * forward, the secrets of all later ones; keys of a closed epoch cannot be derived from it.
 */
export class Roster {
  readonly #meters: Meter[] = [];
  readonly #byPublicKey = new Map<string, Meter>();

  readonly #store: SealedStore;

  private constructor(store: SealedStore) {
    this.#store = store;
  }

  static async open(store: SealedStore): Promise<Roster> {
    const roster = new Roster(store);
    for await (const [key, value] of store.iterate(keyPrefix('meter'))) {
      roster.add(decodeMeter(lastNumber(key), value));
    }
    return roster;
  }

  get size(): number {
    return this.#meters.length;
  }

  /** Meters to be registered in an epoch. @param excluded numbers of those that are not */
  countIn(epoch: number, excluded: ReadonlySet<number>): number {
    return this.#meters.filter(({ number, firstEpoch }) => firstEpoch <= epoch && !excluded.has(number)).length;
  }

  /** @param publicKey pk_i, 32 bytes */
  find(publicKey: Uint8Array): Meter | undefined {
    return this.#byPublicKey.get(toHex(publicKey));
  }

  /**
   * Prepares a new meter, with the next number. Nothing is changed until {@link add}, after the changes are durable.
   *
   * @param linkKey h_0
   * @param meterKey K_i; the caller wipes both
   */
  prepare(
    about: Omit<Meter, 'number'>,
    linkKey: Uint8Array,
    meterKey: Uint8Array,
  ): { meter: Meter; changes: StoreChange[] } {
    const meter: Meter = { number: this.#meters.length, ...about };
    const { firstEpoch } = about;
    const tree = PuncturedTree.fromKey(sodiumCrypto, meterKey, firstEpoch);
    const future = encodeFuture({ epoch: firstEpoch, linkKey: ratchetTo(sodiumCrypto, linkKey, 0, firstEpoch), tree });
    return {
      meter,
      changes: [
        { key: storeKey.meter(meter.number), value: encodeMeter(meter) },
        { key: storeKey.future(meter.number), value: future },
      ],
    };
  }

  add(meter: Meter): void {
    this.#meters[meter.number] = meter;
    this.#byPublicKey.set(toHex(meter.publicKey), meter);
  }

  /**
   * Derives the keys of an epoch for every meter registered in it and ratchets the secrets of later epochs past it, in
   * changes that belong to one durable step.
   *
   * @param excluded numbers of the meters that are not registered in it
   */
  async openEpoch(
    epoch: number,
    excluded: ReadonlySet<number>,
  ): Promise<{ secrets: Map<number, EpochSecrets>; changes: StoreChange[] }> {
    const secrets = new Map<number, EpochSecrets>();
    const changes: StoreChange[] = [];
    for (const { number, publicKey, firstEpoch } of this.#meters) {
      const stored = firstEpoch > epoch ? undefined : await this.#store.get(storeKey.future(number));
      if (stored === undefined) {
        continue;
      }
      const future = decodeFuture(stored);
      const linkKey = ratchetTo(sodiumCrypto, future.linkKey, future.epoch, epoch);
      const epochNode = future.tree.epochNode(epoch);
      if (!excluded.has(number)) {
        secrets.set(number, { identity: meterIdentity(sodiumCrypto, publicKey), linkKey, epochNode });
        changes.push({ key: storeKey.secrets(epoch, number), value: concatBytes(linkKey, epochNode) });
      }
      future.tree.puncture(epoch);
      const next = { epoch: epoch + 1, linkKey: ratchetTo(sodiumCrypto, linkKey, epoch, epoch + 1), tree: future.tree };
      changes.push({ key: storeKey.future(number), value: encodeFuture(next) });
      wipe(next.linkKey);
      wipe(future.linkKey);
    }
    return { secrets, changes };
  }

  /** The keys of an epoch that is open. */
  async loadEpoch(epoch: number): Promise<Map<number, EpochSecrets>> {
    const secrets = new Map<number, EpochSecrets>();
    for await (const [key, value] of this.#store.iterate(keyPrefix('secrets', epoch))) {
      const number = lastNumber(key);
      const identity = meterIdentity(sodiumCrypto, this.#meters[number]!.publicKey);
      secrets.set(number, {
        identity,
        linkKey: value.subarray(0, KEY_LENGTH),
        epochNode: value.subarray(KEY_LENGTH),
      });
    }
    return secrets;
  }
}

interface Future {
  readonly epoch: number;
  readonly linkKey: Uint8Array;
  readonly tree: PuncturedTree;
}

/** epoch 2 ‖ h_epoch 32 ‖ punctured tree. */
function encodeFuture({ epoch, linkKey, tree }: Future): Uint8Array {
  const prefix = new Uint8Array(2);
  writeUint16(prefix, 0, epoch);
  return concatBytes(prefix, linkKey, tree.toBytes());
}

function decodeFuture(bytes: Uint8Array): Future {
  return {
    epoch: readUint16(bytes, 0),
    linkKey: bytes.slice(2, 2 + KEY_LENGTH),
    tree: PuncturedTree.fromBytes(sodiumCrypto, bytes.subarray(2 + KEY_LENGTH)),
  };
}

function encodeMeter(meter: Meter): Uint8Array {
  return encodeAs(meterCodec, meter);
}

function decodeMeter(number: number, bytes: Uint8Array): Meter {
  return { number, ...decodeAs(meterCodec, bytes, MAXIMUM_METER_BYTES) };
}
