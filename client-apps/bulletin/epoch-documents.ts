// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { consumersFile, directoryFile } from '../../protocol/ledger/bulletin.js';
import { consumerListDigest, decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { parametersOfEpoch } from '../../protocol/schedule/versions.js';
import type { SignedParameters } from '../../protocol/ledger/parameters.js';
import { checkDirectory } from '../../protocol/onion/directory.js';
import { decodeSignedDirectory, directoryDigest } from '../../protocol/onion/directory-format.js';
import { checkConsumerList } from '../../protocol/rules/check-consumers.js';
import type { IntervalTrust } from '../../protocol/rules/verify-interval.js';
import { readBulletinFile } from './tree.js';

/** Reads and checks the documents that a bulletin holds once per registry epoch and that seals bind. */
export class EpochDocuments {
  readonly #crypto: Crypto;
  readonly #root: string;
  readonly #region: string;
  readonly #list: readonly SignedParameters[];

  /** @param list versions of the parameters, verified */
  constructor(crypto: Crypto, root: string, region: string, list: readonly SignedParameters[]) {
    this.#crypto = crypto;
    this.#root = root;
    this.#region = region;
    this.#list = list;
  }

  /** Checks an epoch's relay directory. @returns its digest */
  async directory(epoch: number): Promise<Uint8Array> {
    const signed = decodeSignedDirectory(await readBulletinFile(this.#root, directoryFile(this.#region, epoch)));
    const parameters = parametersOfEpoch(this.#list, epoch);
    checkDirectory(this.#crypto, signed, {
      region: this.#region,
      epoch,
      timing: parameters,
      layers: parameters.onion.layers,
      signaturePublicKey: parameters.controlCenter.signaturePublicKey,
    });
    return directoryDigest(this.#crypto, signed.directory);
  }

  /** Checks an epoch's consumer list. */
  async consumers(epoch: number): Promise<NonNullable<IntervalTrust['consumers']>> {
    const signed = decodeConsumerList(await readBulletinFile(this.#root, consumersFile(this.#region, epoch)));
    checkConsumerList(this.#crypto, signed, epoch, parametersOfEpoch(this.#list, epoch));
    return { digest: consumerListDigest(this.#crypto, signed.list), count: signed.list.consumers.length };
  }
}
