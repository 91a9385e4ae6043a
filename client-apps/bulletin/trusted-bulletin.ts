// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../protocol/errors.js';
import { decodeParametersFile, decodeSealsFile } from '../../protocol/ledger/bulletin.js';
import { type ConsumerList, decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import { indexDigest } from '../../protocol/ledger/index-file.js';
import type { Parameters, SignedParameters } from '../../protocol/ledger/parameters.js';
import { PROVIDED_KINDS } from '../../protocol/ledger/row.js';
import { parametersFor, parametersOfEpoch } from '../../protocol/schedule/versions.js';
import { sealDigest, verifySealSignature, type SignedSeal } from '../../protocol/ledger/seal.js';
import { checkDirectory } from '../../protocol/onion/directory.js';
import { decodeSignedDirectory, directoryDigest, type Directory } from '../../protocol/onion/directory-format.js';
import { checkConsumerList } from '../../protocol/rules/check-consumers.js';
import { verifyParametersList } from '../../protocol/rules/check-parameters.js';
import { checkSeal, consumptionSealContent } from '../../protocol/rules/check-seal.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import { Mirrors } from './mirrors.js';
import type { BulletinSource } from './reader.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Number of epochs whose directories are kept: the previous one, whose intervals are being sealed, this and the next.
 */
const KEPT_EPOCHS = 3;

/** A sealed interval as a meter needs it. */
export interface SealedIndex {
  /** s, Unix seconds. */
  readonly startSeconds: number;
  /** Digest of the consumption seal, 32 bytes. */
  readonly digest: Uint8Array;
  /** The bytes of `consumption.index`, as the seal binds them. */
  readonly index: Uint8Array;
  readonly parameters: Parameters;
}

/**
 * A bulletin read with a trust anchor: everything returned was verified up to the control center's first signature key.
 * Parameters and the newest directories are cached, so that a reader continues while the bulletin is unreachable.
 */
export class TrustedBulletin {
  #parametersBytes: Uint8Array = new Uint8Array(0);
  #versions: readonly SignedParameters[] = [];
  readonly #directories = new Map<number, Directory>();
  /** Digests of directories as consumption seals bind them, by epoch. */
  readonly #sealedDirectories = new Map<number, Uint8Array>();
  #consumers: ConsumerList | undefined;

  #trustAnchor: string | undefined;

  readonly source: Mirrors;
  readonly #crypto: Crypto;
  readonly #region: string;

  /**
   * @param trustAnchor hex SHA-256 of the control center's signature key in version 1 of the parameters; undefined
   *   trusts the key in the first list, for a source that is authenticated by its own pin
   */
  constructor(crypto: Crypto, source: BulletinSource, region: string, trustAnchor: string | undefined) {
    this.source = source instanceof Mirrors ? source : new Mirrors([source]);
    this.#crypto = crypto;
    this.#region = region;

    this.#trustAnchor = trustAnchor;
  }

  /** The trust anchor; undefined before the first list when none was given. */
  get trustAnchor(): string | undefined {
    return this.#trustAnchor;
  }

  /** The versions last read; empty before the first read. */
  get versions(): readonly SignedParameters[] {
    return this.#versions;
  }

  /**
   * Reads the list of parameter versions.
   *
   * @throws ClientError UNREACHABLE; VERIFICATION_FAILED when it does not verify or does not continue the known list
   */
  refresh(): Promise<readonly SignedParameters[]> {
    return this.#fromAnyMirror(() => this.#refresh());
  }

  async #refresh(): Promise<readonly SignedParameters[]> {
    const bytes = await this.source.readParameters();
    if (bytes === undefined) {
      throw new ClientError('UNREACHABLE', 'the bulletin has no parameters');
    }
    if (equalBytes(bytes, this.#parametersBytes)) {
      return this.#versions;
    }
    const versions = verified('parameters', () => {
      const list = decodeParametersFile(bytes);
      this.#trustAnchor = verifyParametersList(this.#crypto, list, this.#trustAnchor);
      if (list[0]?.parameters.region !== this.#region) {
        throw new ProtocolError(
          'PARAMETERS_INVALID',
          `expected region ${this.#region}, got ${list[0]?.parameters.region}`,
        );
      }
      // Each version binds the one before, so a list that continues the known one holds its last signature.
      const known = this.#versions.at(-1);
      const same = known === undefined ? undefined : list[this.#versions.length - 1];
      if (known !== undefined && (same === undefined || !equalBytes(same.signature, known.signature))) {
        throw new ProtocolError('PARAMETERS_CHAIN', 'the list does not continue the known versions');
      }
      // Successors are not bound by a version, so that an old list could hide one that is known.
      this.#versions.forEach(({ successors }, i) => {
        const now = list[i]!.successors;
        for (const kind of PROVIDED_KINDS) {
          const before = successors?.[kind];
          if (before !== undefined && !(now?.[kind] && equalBytes(now[kind].signature, before.signature))) {
            throw new ProtocolError('PARAMETERS_CHAIN', 'the list lacks a known successor');
          }
        }
      });
      return list;
    });
    this.#parametersBytes = bytes;
    this.#versions = versions;
    return versions;
  }

  /**
   * Returns the relay directory of a registry epoch. It is read once, unless a seal of its epoch binds another one:
   * then this reader was shown a fork and accepts only the sealed directory.
   *
   * @returns undefined while none is published
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED; ProtocolError NOT_EFFECTIVE before the first parameters
   */
  async directory(epoch: number): Promise<Directory | undefined> {
    const kept = this.#directories.get(epoch);
    if (kept !== undefined) {
      keep(this.#directories, epoch, kept);
      return kept;
    }
    return this.#fromAnyMirror(async () => {
      const bytes = await this.source.readDirectory(this.#region, epoch);
      if (bytes === undefined) {
        return undefined;
      }
      const directory = verified(`directory ${epoch}`, () => this.#checkedDirectory(epoch, bytes));
      keep(this.#directories, epoch, directory);
      return directory;
    });
  }

  /**
   * Returns the consumer list of a registry epoch, in price mode `direct`.
   *
   * @returns undefined while none is published
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED; ProtocolError NOT_EFFECTIVE before the first parameters
   */
  async consumers(epoch: number): Promise<ConsumerList | undefined> {
    if (this.#consumers?.epoch === epoch) {
      return this.#consumers;
    }
    return this.#fromAnyMirror(async () => {
      const bytes = await this.source.readConsumers(this.#region, epoch);
      if (bytes === undefined) {
        return undefined;
      }
      this.#consumers = verified(`consumer list ${epoch}`, () => {
        const signed = decodeConsumerList(bytes);
        checkConsumerList(this.#crypto, signed, epoch, this.#parametersOfEpoch(epoch));
        return signed.list;
      });
      return this.#consumers;
    });
  }

  /**
   * Returns the sealed index of an interval: a row that is not in it is proven not to be on the ledger.
   *
   * @param previous digest of the consumption seal of the interval before; undefined to begin in the middle of a chain
   * @returns undefined while the interval is not sealed
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED
   */
  sealedIndex(startSeconds: number, previous: Uint8Array | undefined): Promise<SealedIndex | undefined> {
    return this.#fromAnyMirror(() => this.#sealedIndex(startSeconds, previous));
  }

  async #sealedIndex(startSeconds: number, previous: Uint8Array | undefined): Promise<SealedIndex | undefined> {
    const seals = await this.source.readFile(this.#region, startSeconds, 'seals.json');
    const index = await this.source.readFile(this.#region, startSeconds, 'consumption.index');
    if (seals === undefined || index === undefined) {
      return undefined;
    }
    const parameters = parametersFor(this.#versions, startSeconds);
    const what = `interval ${startSeconds}`;
    const { consumption } = verified(what, () => decodeSealsFile(seals));
    verified(what, () => this.#noteSealedDirectory(consumption, parameters));
    const directory = await this.directory(consumption.seal.registryEpoch);
    return verified(what, () => {
      const { seal, header } = consumption;
      const context = intervalContext(this.#crypto, parameters, startSeconds);
      const content = consumptionSealContent(this.#crypto, context, header, {
        registryRoot: seal.registryRoot,
        registeredMeters: seal.registeredMeters,
        // A fork of the directory is detected here: the seals bind the one that all meters use.
        directoryDigest: directory === undefined ? NO_DIGEST : directoryDigest(this.#crypto, directory),
        indexDigest: indexDigest(this.#crypto, index),
      });
      checkSeal(this.#crypto, consumption, context, { content, previous: 'unknown' });
      if (previous !== undefined && !equalBytes(seal.previous, previous)) {
        throw new ProtocolError('SEAL_CHAIN', 'the seal does not chain to that of the previous interval');
      }
      return { startSeconds, digest: sealDigest(this.#crypto, seal), index, parameters };
    });
  }

  /** Reads and verifies something; again from the next mirror when what one gave does not verify, until all were asked. */
  async #fromAnyMirror<T>(read: () => Promise<T>): Promise<T> {
    for (let left = this.source.count; ; left--) {
      try {
        return await read();
      } catch (error) {
        this.source.next();
        if (left <= 1 || !(error instanceof ClientError) || error.code !== 'VERIFICATION_FAILED') {
          throw error;
        }
      }
    }
  }

  #checkedDirectory(epoch: number, bytes: Uint8Array): Directory {
    const signed = decodeSignedDirectory(bytes);
    const parameters = this.#parametersOfEpoch(epoch);
    checkDirectory(this.#crypto, signed, {
      region: this.#region,
      epoch,
      layers: parameters.onion.layers,
      timing: parameters,
      signaturePublicKey: parameters.controlCenter.signaturePublicKey,
    });
    const sealed = this.#sealedDirectories.get(epoch);
    if (sealed !== undefined && !equalBytes(directoryDigest(this.#crypto, signed.directory), sealed)) {
      throw new ProtocolError('DIRECTORY_INVALID', 'directory differs from the one that the seals of its epoch bind');
    }
    return signed.directory;
  }

  /** Drops a cached directory when a valid seal of its epoch binds another. */
  #noteSealedDirectory({ seal, signature }: SignedSeal, parameters: Parameters): void {
    verifySealSignature(this.#crypto, { seal, signature }, parameters.controlCenter.signaturePublicKey);
    const { registryEpoch, directoryDigest: sealed } = seal;
    keep(this.#sealedDirectories, registryEpoch, sealed);
    const directory = this.#directories.get(registryEpoch);
    if (directory !== undefined && !equalBytes(directoryDigest(this.#crypto, directory), sealed)) {
      this.#directories.delete(registryEpoch);
    }
  }

  /** The parameters that apply to an epoch's documents: the version in force at its start. */
  #parametersOfEpoch(epoch: number): Parameters {
    if (this.#versions.length === 0) {
      throw new ClientError('WRONG_STATE', 'no parameters have been read');
    }
    return parametersOfEpoch(this.#versions, epoch);
  }
}

/** Caches a value by epoch; beyond the limit the least recently used one is dropped. */
function keep<T>(byEpoch: Map<number, T>, epoch: number, value: T): void {
  byEpoch.delete(epoch);
  byEpoch.set(epoch, value);
  const [oldest] = byEpoch.keys();
  if (byEpoch.size > KEPT_EPOCHS && oldest !== undefined) {
    byEpoch.delete(oldest);
  }
}

/** Wraps a refusal of the protocol layer, naming the file. */
function verified<T>(what: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) {
      throw cause;
    }
    throw new ClientError('VERIFICATION_FAILED', `${what}: ${cause.code}: ${cause.message}`, { cause });
  }
}
