// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { Registry, registryLeaf, registryPadding } from '../../../protocol/identity/registry.js';
import {
  decodeConsumerList,
  encodeConsumerList,
  signConsumerList,
  type SignedConsumerList,
} from '../../../protocol/ledger/consumer-list.js';
import { directoryValidity, epochStartSeconds } from '../../../protocol/schedule/epochs.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import {
  decodeRegistryRoot,
  encodeRegistryRoot,
  signRegistryRoot,
  type SignedRegistryRoot,
} from '../../../protocol/ledger/registry-root.js';
import { checkDirectory } from '../../../protocol/onion/directory.js';
import {
  decodeSignedDirectory,
  directoryDigest,
  encodeSignedDirectory,
  signDirectory,
  type SignedDirectory,
} from '../../../protocol/onion/directory-format.js';
import type { OnionKeyPair } from '../../../protocol/onion/packet.js';
import { ClientError } from '../../runtime/errors.js';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import type { Consumers } from '../registration/consumers.js';
import type { Descriptors } from './descriptors.js';
import type { ControlCenterKeys } from '../keys.js';
import type { OnionKeys } from '../../../protocol/onion/onion-keys.js';
import type { ParameterVersions } from './parameter-versions.js';
import type { EpochSecrets, Roster } from '../registration/roster.js';
import { keyPrefix, lastNumber, storeKey } from '../store-keys.js';

/** A registry epoch that is open: its registry and directory are fixed, its intervals are not all settled. */
export interface Epoch {
  readonly number: number;
  readonly registry: Registry;
  readonly root: SignedRegistryRoot;
  readonly directory: SignedDirectory;
  readonly directoryDigest: Uint8Array;
  /** The consumers that prices are sent to, in price mode `direct`. */
  readonly consumers: SignedConsumerList | undefined;
  readonly onionKey: OnionKeyPair;
  /** Keys of the meters registered in it, by number. */
  readonly secrets: ReadonlyMap<number, EpochSecrets>;
}

/** Running numbers of those excluded from the next epoch on. */
export interface Excluded {
  readonly meters: ReadonlySet<number>;
  readonly consumers: ReadonlySet<number>;
  /** Relays that households enrolled. */
  readonly relays: ReadonlySet<number>;
}

/** Parts of the control center that epochs use. */
export interface EpochSources {
  readonly store: SealedStore;
  readonly keys: ControlCenterKeys;
  readonly onionKeys: OnionKeys;
  readonly versions: ParameterVersions;
  readonly roster: Roster;
  readonly consumers: Consumers;
  readonly descriptors: Descriptors;
  /** `host:port` of the link server, for the directory. */
  readonly linkAddress: string;
}

/** The publication of an epoch, to come or past. */
class Publication {
  resolve!: (epoch: Epoch) => void;
  readonly epoch = new Promise<Epoch>((resolve) => (this.resolve = resolve));
}

/** The open epochs: usually one; two while the next is prepared or the bills of the last are written. */
export class Epochs {
  readonly #open = new Map<number, Epoch>();
  readonly #publications = new Map<number, Publication>();

  readonly #sources: EpochSources;

  private constructor(sources: EpochSources) {
    this.#sources = sources;
  }

  /** Restores the open epochs after a restart. */
  static async load(sources: EpochSources): Promise<Epochs> {
    const epochs = new Epochs(sources);
    for await (const [key, root] of sources.store.iterate(keyPrefix('registryRoot'))) {
      const number = lastNumber(key);
      const directory = (await sources.store.get(storeKey.directory(number)))!;
      const consumers = await sources.store.get(storeKey.consumerList(number));
      epochs.#put(number, await sources.roster.loadEpoch(number), {
        root: decodeRegistryRoot(root),
        directory: decodeSignedDirectory(directory),
        consumers: consumers && decodeConsumerList(consumers),
      });
    }
    return epochs;
  }

  get(number: number): Epoch | undefined {
    return this.#open.get(number);
  }

  /** Records that an epoch's registry and directory are on the ledger. */
  markPublished(number: number): void {
    this.#publication(number).resolve(this.#open.get(number)!);
  }

  /** The epoch, once its registry and directory are on the ledger; it need not be open yet. */
  whenPublished(number: number): Promise<Epoch> {
    return this.#publication(number).epoch;
  }

  /** The open epochs in order. */
  all(): Epoch[] {
    return [...this.#open.values()].sort((a, b) => a.number - b.number);
  }

  /**
   * Fixes registry and directory of an epoch, in one durable step.
   *
   * @param excluded numbers of those not in its registry, directory and consumer list
   * @param more changes that belong to the same step
   * @throws ClientError WRONG_STATE while fewer than k meters are registered: nothing could be published
   * @throws ProtocolError DIRECTORY_INVALID while relays are missing
   */
  async openEpoch(number: number, excluded: Excluded, more: readonly StoreChange[]): Promise<Epoch> {
    const { store, roster, keys, versions } = this.#sources;
    const parameters = versions.ofEpoch(number);
    const meters = roster.countIn(number, excluded.meters);
    if (meters < parameters.kAnonymity) {
      throw new ClientError(
        'WRONG_STATE',
        `expected at least k = ${parameters.kAnonymity} registered meters, found ${meters}`,
      );
    }
    const directory = await this.#makeDirectory(number, parameters, excluded.relays);
    const consumers =
      parameters.priceMode === 'direct'
        ? signConsumerList(sodiumCrypto, this.#sources.consumers.listOf(number, excluded.consumers), keys.signing)
        : undefined;
    const { secrets, changes } = await roster.openEpoch(number, excluded.meters);
    const registry = this.#makeRegistry(number, secrets);
    const root = signRegistryRoot(
      sodiumCrypto,
      {
        region: parameters.region,
        epoch: number,
        root: registry.root,
        depth: registry.depth,
        meters: registry.meters,
        effectiveFromSeconds: epochStartSeconds(parameters, number),
      },
      keys.signing,
    );
    await store.batch([
      ...changes,
      ...more,
      { key: storeKey.registryRoot(number), value: encodeRegistryRoot(root) },
      { key: storeKey.directory(number), value: encodeSignedDirectory(directory) },
      ...(consumers ? [{ key: storeKey.consumerList(number), value: encodeConsumerList(consumers) }] : []),
    ]);
    return this.#put(number, secrets, { root, directory, consumers }, registry);
  }

  /** Erases the keys of all epochs before this one; their intervals are settled. */
  async closeBefore(number: number): Promise<number[]> {
    const { store, onionKeys } = this.#sources;
    const closed = [...this.#open.keys()].filter((open) => open < number);
    if (closed.length === 0) {
      return closed;
    }
    onionKeys.forgetBefore(number);
    const changes: StoreChange[] = [{ key: storeKey.onion, value: onionKeys.toBytes() }];
    for (const epoch of closed) {
      this.#open.delete(epoch);
      this.#publications.delete(epoch);
      for (const key of [storeKey.registryRoot, storeKey.directory, storeKey.consumerList]) {
        changes.push({ key: key(epoch) });
      }
      for (const kind of ['secrets', 'chain', 'descriptor'] as const) {
        for await (const [key] of store.iterate(keyPrefix(kind, epoch))) {
          changes.push({ key });
        }
      }
    }
    await store.batch(changes);
    await store.compact();
    return closed;
  }

  #publication(number: number): Publication {
    const publication = this.#publications.get(number) ?? new Publication();
    this.#publications.set(number, publication);
    return publication;
  }

  async #makeDirectory(
    number: number,
    parameters: Parameters,
    excluded: ReadonlySet<number>,
  ): Promise<SignedDirectory> {
    const { keys, onionKeys, descriptors, linkAddress } = this.#sources;
    const { region, onion } = parameters;
    const controlCenter = {
      address: linkAddress,
      linkPin: keys.link.pin,
      onionKey: onionKeys.key(number).publicKey,
    };
    const signed = signDirectory(
      sodiumCrypto,
      {
        region,
        epoch: number,
        layers: onion.layers,
        ...directoryValidity(parameters, number),
        controlCenter,
        linkAuthority: keys.linkAuthority.publicKey,
        relays: await descriptors.choose(number, controlCenter, excluded),
      },
      keys.signing,
    );
    checkDirectory(sodiumCrypto, signed, {
      region,
      epoch: number,
      layers: onion.layers,
      timing: parameters,
      signaturePublicKey: keys.signing.publicKey,
    });
    return signed;
  }

  #makeRegistry(number: number, secrets: ReadonlyMap<number, EpochSecrets>): Registry {
    const leaves = [...secrets.values()].map(({ identity, linkKey, epochNode }) =>
      registryLeaf(sodiumCrypto, identity, linkKey, epochNode),
    );
    const padding = registryPadding(sodiumCrypto, this.#sources.keys.paddingSecret, number);
    return new Registry(sodiumCrypto, leaves, this.#sources.versions.ofEpoch(number).registryDepth, padding);
  }

  #put(
    number: number,
    secrets: ReadonlyMap<number, EpochSecrets>,
    published: Pick<Epoch, 'root' | 'directory' | 'consumers'>,
    registry = this.#makeRegistry(number, secrets),
  ): Epoch {
    const epoch: Epoch = {
      number,
      registry,
      ...published,
      directoryDigest: directoryDigest(sodiumCrypto, published.directory.directory),
      onionKey: this.#sources.onionKeys.key(number),
      secrets,
    };
    this.#open.set(number, epoch);
    return epoch;
  }
}
