// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../protocol/errors.js';
import { decodeParametersFile, decodeSealsFile } from '../../protocol/ledger/bulletin.js';
import { type ConsumerList, decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import { indexDigest } from '../../protocol/ledger/index-file.js';
import { epochOf } from '../../protocol/ledger/ledger-id.js';
import { parametersFor, type Parameters, type SignedParameters } from '../../protocol/ledger/parameters.js';
import { sealDigest } from '../../protocol/ledger/seal.js';
import { checkDirectory } from '../../protocol/onion/directory.js';
import { decodeSignedDirectory, directoryDigest, type Directory } from '../../protocol/onion/directory-format.js';
import { checkConsumerList } from '../../protocol/rules/check-consumers.js';
import { verifyParametersList } from '../../protocol/rules/check-parameters.js';
import { checkSeal, consumptionSealContent } from '../../protocol/rules/check-seal.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import type { BulletinSource } from './bulletin-reader.js';
import { ClientError } from './errors.js';

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
 * A bulletin read with a trust anchor: what comes out has been checked down to the control center's first signature
 * key. Parameters and the newest directory are kept, so that a reader goes on while the bulletin cannot be reached.
 */
export class TrustedBulletin {
  #parametersBytes: Uint8Array = new Uint8Array(0);
  #versions: readonly SignedParameters[] = [];
  #directory: Directory | undefined;
  #consumers: ConsumerList | undefined;

  #trustAnchor: string | undefined;

  /**
   * @param trustAnchor hex SHA-256 of the control center's signature key in version 1 of the parameters; undefined
   *   trusts the key found in the first list, which is for a source that is known by its own pin
   */
  constructor(
    private readonly crypto: Crypto,
    readonly source: BulletinSource,
    private readonly region: string,
    trustAnchor: string | undefined,
  ) {
    this.#trustAnchor = trustAnchor;
  }

  /** The anchor; undefined before the first list when none was given. */
  get trustAnchor(): string | undefined {
    return this.#trustAnchor;
  }

  /** The versions read last; empty before the first. */
  get versions(): readonly SignedParameters[] {
    return this.#versions;
  }

  /**
   * Reads the list of parameter versions.
   *
   * @throws ClientError UNREACHABLE; VERIFICATION_FAILED when it does not verify, or is not the known list continued
   */
  async refresh(): Promise<readonly SignedParameters[]> {
    const bytes = await this.source.readParameters();
    if (bytes === undefined) throw new ClientError('UNREACHABLE', 'the bulletin holds no parameters');
    if (equalBytes(bytes, this.#parametersBytes)) return this.#versions;
    const versions = verified('parameters', () => {
      const list = decodeParametersFile(bytes);
      this.#trustAnchor = verifyParametersList(this.crypto, list, this.#trustAnchor);
      if (list[0]?.parameters.region !== this.region) {
        throw new ProtocolError('PARAMETERS_INVALID', 'they are those of another region');
      }
      // Each version binds the one before, so a list that continues the known one holds its last signature.
      const known = this.#versions.at(-1);
      const same = known === undefined ? undefined : list[this.#versions.length - 1];
      if (known !== undefined && (same === undefined || !equalBytes(same.signature, known.signature))) {
        throw new ProtocolError('PARAMETERS_CHAIN', 'a version that stood in the list is gone');
      }
      return list;
    });
    this.#parametersBytes = bytes;
    this.#versions = versions;
    return versions;
  }

  /**
   * The relay directory of a registry epoch.
   *
   * @returns undefined while there is none
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED; ProtocolError NOT_EFFECTIVE before the first parameters
   */
  async directory(epoch: number): Promise<Directory | undefined> {
    if (this.#directory?.epoch === epoch) return this.#directory;
    const bytes = await this.source.readDirectory(this.region, epoch);
    if (bytes === undefined) return undefined;
    this.#directory = verified(`directory ${epoch}`, () => {
      const signed = decodeSignedDirectory(bytes);
      const parameters = this.#parametersOfEpoch(epoch);
      checkDirectory(this.crypto, signed, {
        region: this.region,
        epoch,
        layers: parameters.onion.layers,
        timing: parameters,
        signaturePublicKey: parameters.controlCenter.signaturePublicKey,
      });
      return signed.directory;
    });
    return this.#directory;
  }

  /**
   * The consumer list of a registry epoch, in price mode `direct`.
   *
   * @returns undefined while there is none
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED; ProtocolError NOT_EFFECTIVE before the first parameters
   */
  async consumers(epoch: number): Promise<ConsumerList | undefined> {
    if (this.#consumers?.epoch === epoch) return this.#consumers;
    const bytes = await this.source.readConsumers(this.region, epoch);
    if (bytes === undefined) return undefined;
    this.#consumers = verified(`consumer list ${epoch}`, () => {
      const signed = decodeConsumerList(bytes);
      checkConsumerList(this.crypto, signed, epoch, this.#parametersOfEpoch(epoch));
      return signed.list;
    });
    return this.#consumers;
  }

  /**
   * The index of an interval, when it is sealed: a row that is not in it is proven not to be on the ledger.
   *
   * @param previous digest of the consumption seal of the interval before; undefined to begin in the middle of a chain
   * @returns undefined while the interval is not sealed
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED
   */
  async sealedIndex(startSeconds: number, previous: Uint8Array | undefined): Promise<SealedIndex | undefined> {
    const seals = await this.source.readFile(this.region, startSeconds, 'seals.json');
    const index = await this.source.readFile(this.region, startSeconds, 'consumption.index');
    if (seals === undefined || index === undefined) return undefined;
    const parameters = parametersFor(this.#versions, startSeconds);
    const directory = await this.directory(epochOf(parameters, startSeconds));
    return verified(`interval ${startSeconds}`, () => {
      const { consumption } = decodeSealsFile(seals);
      const { seal, header } = consumption;
      const context = intervalContext(this.crypto, parameters, startSeconds);
      const content = consumptionSealContent(this.crypto, context, header, {
        registryRoot: seal.registryRoot,
        registeredMeters: seal.registeredMeters,
        // All use the one directory that the seals bind, or somebody was shown another one.
        directoryDigest: directory === undefined ? NO_DIGEST : directoryDigest(this.crypto, directory),
        indexDigest: indexDigest(this.crypto, index),
      });
      checkSeal(this.crypto, consumption, content, 'unknown', context);
      if (previous !== undefined && !equalBytes(seal.previous, previous)) {
        throw new ProtocolError('SEAL_CHAIN', 'the seal does not follow the one of the interval before');
      }
      return { startSeconds, digest: sealDigest(this.crypto, seal), index, parameters };
    });
  }

  /** An epoch's directory serves the version that is in force when its packets begin. */
  #parametersOfEpoch(epoch: number): Parameters {
    const { parameters: first } = this.#versions[0] ?? {};
    if (first === undefined) throw new ClientError('WRONG_STATE', 'no parameters have been read');
    const start = first.epochOriginSeconds + epoch * first.epochSeconds;
    return parametersFor(this.#versions, Math.max(start, first.effectiveFromSeconds));
  }
}

/** Lays a refusal of the protocol layer to the file it is about. */
function verified<T>(what: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new ClientError('VERIFICATION_FAILED', `${what}: ${cause.code}: ${cause.message}`, { cause });
  }
}
