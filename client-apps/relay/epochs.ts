// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, wipe } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { MAXIMUM_EPOCH } from '../../protocol/crypto/ggm.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { directoryValidity, nearestEpoch } from '../../protocol/schedule/epochs.js';
import { signDescriptor, type Directory, type SignedDescriptor } from '../../protocol/onion/directory-format.js';
import type { OnionKeys } from '../../protocol/onion/onion-keys.js';
import type { OnionKeyPair, RandomSource } from '../../protocol/onion/packet.js';
import { maximumDelayMilliseconds } from '../../protocol/onion/path.js';
import { oldestUnclosedStart } from '../../protocol/schedule/closes.js';
import type { LinkTarget } from '../links/connect.js';
import { listIfPresent } from '../runtime/atomic-file.js';
import type { FileKey } from '../runtime/sealed-file.js';
import type { PlacedRelayConfig } from './config.js';
import { OnionKeyFile, type RelayKeys } from './keys.js';
import { ReplayStore } from './packets/replay-store.js';

/** An epoch whose packets this relay accepts: it has the key, and is in the directory with it. */
export interface LiveEpoch {
  readonly epoch: number;
  readonly directory: Directory;
  /** Index of this relay in the directory. */
  readonly index: number;
  readonly key: OnionKeyPair;
  readonly replay: ReplayStore;
  /** Layers a packet has when it comes here, this one included. */
  readonly layersLeft: number;
  readonly maximumDelayMilliseconds: number;
  /** The relays of the next layer, by directory index; nothing is forwarded to any other. */
  readonly next: readonly (LinkTarget | undefined)[];
  readonly controlCenter: LinkTarget;
}

/** First and last epoch of a range, both included. */
export interface EpochRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The epochs of a relay: which it serves at a time, their keys, descriptors, directories and replay tags. An epoch
 * begins with a descriptor, goes live with its directory, and ends, a grace after the last packet of it can have been
 * sent, with the destruction of its key and tags.
 */
export class Epochs {
  readonly #live = new Map<number, LiveEpoch>();

  readonly #config: PlacedRelayConfig;
  readonly #keys: RelayKeys;
  readonly #onionKeyFile: OnionKeyFile;
  readonly #onionKeys: OnionKeys;
  #oldest: number;

  private constructor(
    config: PlacedRelayConfig,
    keys: RelayKeys,
    onionKeyFile: OnionKeyFile,
    onionKeys: OnionKeys,
    oldest: number,
  ) {
    this.#config = config;
    this.#keys = keys;
    this.#onionKeyFile = onionKeyFile;
    this.#onionKeys = onionKeys;
    this.#oldest = oldest;
  }

  /** @throws ClientError SEALED_INVALID */
  static async open(
    config: PlacedRelayConfig,
    keys: RelayKeys,
    fileKey: FileKey,
    random: RandomSource,
    parameters: Parameters,
    nowSeconds: number,
  ): Promise<Epochs> {
    const { first } = servedEpochs(parameters, nowSeconds);
    const onionKeyFile = new OnionKeyFile(config.directory, fileKey);
    const onionKeys = await onionKeyFile.load(first, random, config.enrolmentSeed);
    const epochs = new Epochs(config, keys, onionKeyFile, onionKeys, first);
    await epochs.#removeReplayFiles((epoch) => epoch < first);
    return epochs;
  }

  /** The live epoch of this number. */
  get(epoch: number): LiveEpoch | undefined {
    return this.#live.get(epoch);
  }

  /** All live epochs. */
  all(): readonly LiveEpoch[] {
    return [...this.#live.values()];
  }

  /** Descriptor of this relay for an epoch. @throws ProtocolError EPOCH_ERASED */
  descriptor(parameters: Parameters, epoch: number): SignedDescriptor {
    const key = this.#onionKeys.key(epoch);
    wipe(key.secretKey);
    const config = this.#config;
    const keys = this.#keys;
    const descriptor = {
      region: config.region,
      epoch,
      operator: config.operator,
      layer: config.layer,
      address: config.links.address,
      identity: keys.identity.publicKey,
      linkPin: keys.link.pin,
      onionKey: key.publicKey,
      ...directoryValidity(parameters, epoch),
    };
    return signDescriptor(sodiumCrypto, descriptor, keys.identity);
  }

  /**
   * Takes a checked directory into use.
   *
   * @returns false when it does not contain this relay with the key it has: the relay is not admitted for this epoch
   */
  async begin(directory: Directory, parameters: Parameters): Promise<boolean> {
    const { epoch } = directory;
    const key = this.#onionKeys.key(epoch);
    const index = directory.relays.findIndex(
      ({ descriptor }) =>
        equalBytes(descriptor.identity, this.#keys.identity.publicKey) &&
        equalBytes(descriptor.onionKey, key.publicKey) &&
        descriptor.layer === this.#config.layer,
    );
    if (index === -1) {
      return false;
    }
    const replayKey = this.#onionKeys.replayKey(epoch);
    const path = this.#replayPath(epoch);
    this.#live.set(epoch, {
      epoch,
      directory,
      index,
      key,
      replay: await ReplayStore.open(path, replayKey, this.#config.replayCapacity),
      layersLeft: directory.layers - this.#config.layer + 1,
      maximumDelayMilliseconds: maximumDelayMilliseconds(parameters.onion),
      next: directory.relays.map(({ descriptor: { layer, address, linkPin } }) =>
        layer === this.#config.layer + 1 ? { address, pin: linkPin } : undefined,
      ),
      controlCenter: { address: directory.controlCenter.address, pin: directory.controlCenter.linkPin },
    });
    return true;
  }

  /** Destroys keys and tags of the epochs before this one, first on the disk. */
  async endBefore(epoch: number): Promise<void> {
    if (epoch <= this.#oldest) {
      return;
    }
    this.#oldest = epoch;
    await this.#onionKeyFile.forgetBefore(this.#onionKeys, epoch);
    for (const ended of this.all()) {
      if (ended.epoch >= epoch) {
        continue;
      }
      this.#live.delete(ended.epoch);
      wipe(ended.key.secretKey);
      await ended.replay.destroy();
    }
  }

  /** Puts the tags of all packets seen so far on disk. */
  async flush(): Promise<void> {
    for (const { replay } of this.#live.values()) {
      await replay.flush();
    }
  }

  async close(): Promise<void> {
    for (const { replay, key } of this.#live.values()) {
      await replay.close();
      wipe(key.secretKey);
    }
    this.#live.clear();
  }

  #replayPath(epoch: number): string {
    return join(this.#config.directory, 'replay', `${epoch}.tags`);
  }

  async #removeReplayFiles(isOver: (epoch: number) => boolean): Promise<void> {
    const names = await listIfPresent(join(this.#config.directory, 'replay'));
    for (const name of names) {
      const epoch = /^(\d{1,5})\.tags$/.exec(name)?.[1];
      if (epoch !== undefined && isOver(Number(epoch))) {
        await rm(this.#replayPath(Number(epoch)));
      }
    }
  }
}

/**
 * The epochs a relay has live keys for: from the oldest whose packets can still be under way to the one after the
 * registry epoch, whose directory is made before it begins.
 */
export function servedEpochs(parameters: Parameters, nowSeconds: number): EpochRange {
  return {
    first: nearestEpoch(parameters, oldestUnclosedStart(parameters, nowSeconds)),
    last: Math.min(MAXIMUM_EPOCH, nearestEpoch(parameters, nowSeconds) + 1),
  };
}

/**
 * The epochs a relay describes itself for, up to seven ahead, as many as the control center takes: should it be away as
 * long, it finds descriptors for the epochs that it missed. The keys come from one secret and cost nothing.
 */
export function describedEpochs({ first, last }: EpochRange): EpochRange {
  return { first, last: Math.min(MAXIMUM_EPOCH, last + 6) };
}
