// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, wipe } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { MAXIMUM_EPOCH } from '../../protocol/crypto/ggm.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { directoryValidity, nearestEpoch } from '../../protocol/schedule/epochs.js';
import { relaysOfLayer } from '../../protocol/onion/directory.js';
import { mostMeters, packetsToNextHop } from '../../protocol/onion/directory-shares.js';
import { MOST_LOOPS } from '../../protocol/onion/loop.js';
import { signDescriptor, type Directory, type SignedDescriptor } from '../../protocol/onion/directory-format.js';
import type { OnionKeys } from '../../protocol/onion/onion-keys.js';
import type { OnionKeyPair } from '../../protocol/onion/packet.js';
import { maximumDelayMilliseconds } from '../../protocol/onion/path.js';
import { oldestUnclosedStart } from '../../protocol/schedule/closes.js';
import type { LinkTarget } from '../links/connect.js';
import { listIfPresent } from '../runtime/atomic-file.js';
import type { PlacedRelayConfig } from './config.js';
import { OnionKeyFile, type RelayKeys } from './keys.js';
import { secondsOf, type RelayParts } from './parts.js';
import { ReplayStore } from './packets/replay-store.js';

/** An epoch whose packets this relay accepts: it has the key, and is in the directory with it. */
export interface LiveEpoch {
  readonly epoch: number;
  readonly directory: Directory;
  /** Index of this relay in the directory. */
  readonly index: number;
  readonly key: OnionKeyPair;
  readonly replay: ReplayStore;
  /** Neighbours that may send packets of it: the relays of the layer before, in the first layer meters and loop senders. */
  readonly senders: number;
  /** Replay tags that it takes of one of these; in the first layer each sender's packets a slot are bound enough. */
  readonly tagsOfSender: number;
  /** Replay tags of each since the relay was started, by its number in `Senders`. */
  readonly tags: Map<number, number>;
  /** Packets a slot that one relay of the layer before passes on to this one at most, and this one to a next hop. */
  readonly packetsFromRelay: number;
  readonly packetsToNextHop: number;
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
  readonly #packetsToNextHop: number | undefined;

  private constructor(
    { config, keys, packetsToNextHop: packets }: RelayParts,
    onionKeyFile: OnionKeyFile,
    onionKeys: OnionKeys,
    oldest: number,
  ) {
    this.#config = config;
    this.#keys = keys;
    this.#packetsToNextHop = packets;
    this.#onionKeyFile = onionKeyFile;
    this.#onionKeys = onionKeys;
    this.#oldest = oldest;
  }

  /** @throws ClientError SEALED_INVALID */
  static async open(parts: RelayParts, parameters: Parameters): Promise<Epochs> {
    const { config, fileKey, context } = parts;
    const { first } = servedEpochs(parameters, secondsOf(context));
    const onionKeyFile = new OnionKeyFile(config.directory, fileKey);
    const onionKeys = await onionKeyFile.load(first, context.random, config.enrolmentSeed);
    const epochs = new Epochs(parts, onionKeyFile, onionKeys, first);
    await epochs.#removeReplayFiles((epoch) => epoch < first);
    const { oldestKey } = epochs;
    if (oldestKey > first) {
      context.log.error(
        { epoch: first, firstEpochWithKey: oldestKey },
        'the onion keys of the present epoch are erased, as when the clock was ahead: this relay serves from the first epoch whose key it has',
      );
    }
    return epochs;
  }

  /** The first epoch whose key is not erased: later than the present one after the clock was ahead. */
  get oldestKey(): number {
    return this.#onionKeys.oldest;
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
    const { layer, replayCapacity } = this.#config;
    const replay = await ReplayStore.open(this.#replayPath(epoch), this.#onionKeys.replayKey(epoch), replayCapacity);
    const { registryDepth } = parameters;
    const before = relaysOfLayer(directory, layer - 1).length;
    const packetsTo = (receiver: number): number =>
      this.#packetsToNextHop ?? packetsToNextHop(directory, registryDepth, receiver);
    this.#live.set(epoch, {
      epoch,
      directory,
      index,
      key,
      replay,
      senders: layer === 1 ? mostMeters(registryDepth) + directory.relays.length : before,
      tagsOfSender: layer === 1 ? Infinity : Math.floor((replay.capacity - replay.size) / before),
      tags: new Map(),
      packetsFromRelay: layer === 1 ? MOST_LOOPS : packetsTo(layer),
      packetsToNextHop: packetsTo(layer + 1),
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
