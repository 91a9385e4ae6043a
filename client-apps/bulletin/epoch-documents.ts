// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../protocol/errors.js';
import { consumersFile, directoryFile } from '../../protocol/ledger/bulletin.js';
import { consumerListDigest, decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import type { Parameters, SignedParameters } from '../../protocol/ledger/parameters.js';
import { checkDirectory } from '../../protocol/onion/directory.js';
import { decodeSignedDirectory, directoryDigest } from '../../protocol/onion/directory-format.js';
import { checkConsumerList } from '../../protocol/rules/check-consumers.js';
import type { IntervalTrust } from '../../protocol/rules/verify-interval.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import { parametersFor, parametersOfEpoch } from '../../protocol/schedule/versions.js';
import type { Kind } from './layout.js';
import type { BulletinTree, RegionTree } from './tree.js';

type DocumentTrust = Pick<IntervalTrust, 'directoryDigest' | 'consumers'>;

/** Inputs of an audit of a region's documents. */
interface RegionDocuments {
  readonly region: string;
  readonly tree: BulletinTree;
  readonly found: RegionTree;
  /** Runs a check of a file; a refusal becomes a fault and the result undefined. */
  readonly attempt: <T>(path: string, check: () => T) => T | undefined;
}

/** Reads and checks, once each, the documents that a bulletin holds for a registry epoch and that seals bind. */
export class EpochDocuments {
  readonly #directories = new Map<number, Uint8Array | undefined>();
  readonly #consumers = new Map<number, IntervalTrust['consumers']>();

  readonly #crypto: Crypto;
  readonly #list: readonly SignedParameters[];
  readonly #of: RegionDocuments;

  /** @param list versions of the parameters, verified */
  constructor(crypto: Crypto, list: readonly SignedParameters[], of: RegionDocuments) {
    this.#crypto = crypto;
    this.#list = list;
    this.#of = of;
    for (const epoch of of.found.directories.keys()) {
      this.#directory(epoch);
    }
    for (const epoch of of.found.consumers.keys()) {
      this.#consumerList(epoch);
    }
  }

  /** Digests that the seals of an interval must bind; a document that is missing is a fault. */
  trustOf(startSeconds: number): DocumentTrust {
    const parameters = this.#parametersFor(startSeconds);
    if (parameters === undefined) {
      return {};
    }
    const epoch = epochOf(parameters, startSeconds);
    const digest = this.#directory(epoch);
    const consumers = parameters.priceMode === 'direct' ? this.#consumerList(epoch) : undefined;
    return { ...(digest && { directoryDigest: digest }), ...(consumers && { consumers }) };
  }

  #directory(epoch: number): Uint8Array | undefined {
    const { region, found } = this.#of;
    return this.#document(
      this.#directories,
      epoch,
      { path: directoryFile(region, epoch), kind: found.directories.get(epoch) },
      (bytes) => {
        const signed = decodeSignedDirectory(bytes);
        const parameters = parametersOfEpoch(this.#list, epoch);
        checkDirectory(this.#crypto, signed, {
          region,
          epoch,
          timing: parameters,
          layers: parameters.onion.layers,
          signaturePublicKey: parameters.controlCenter.signaturePublicKey,
        });
        return directoryDigest(this.#crypto, signed.directory);
      },
    );
  }

  #consumerList(epoch: number): IntervalTrust['consumers'] {
    const { region, found } = this.#of;
    return this.#document(
      this.#consumers,
      epoch,
      { path: consumersFile(region, epoch), kind: found.consumers.get(epoch) },
      (bytes) => {
        const signed = decodeConsumerList(bytes);
        checkConsumerList(this.#crypto, signed, epoch, parametersOfEpoch(this.#list, epoch));
        return { digest: consumerListDigest(this.#crypto, signed.list), count: signed.list.consumers.length };
      },
    );
  }

  #document<T>(
    known: Map<number, T | undefined>,
    epoch: number,
    { path, kind }: { readonly path: string; readonly kind: Kind | undefined },
    check: (bytes: Uint8Array) => T,
  ): T | undefined {
    if (!known.has(epoch)) {
      const { attempt, tree } = this.#of;
      known.set(
        epoch,
        attempt(path, () => check(tree.read(path, kind))),
      );
    }
    return known.get(epoch);
  }

  /** The version in force; undefined before the first version or outside the epochs, which the audit reports. */
  #parametersFor(startSeconds: number): Parameters | undefined {
    try {
      const parameters = parametersFor(this.#list, startSeconds);
      epochOf(parameters, startSeconds);
      return parameters;
    } catch (error) {
      if (error instanceof ProtocolError) {
        return undefined;
      }
      throw error;
    }
  }
}
