// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { meterIdentity, sharedLinkKey } from '../../../protocol/identity/meter-identity.js';
import { pricePseudonymCommitment } from '../../../protocol/identity/pseudonym.js';
import { decodeParametersFile, encodeParametersFile } from '../../../protocol/ledger/bulletin.js';
import { NO_DIGEST } from '../../../protocol/ledger/document.js';
import { parametersAt, parametersOfEpoch, successorFor } from '../../../protocol/schedule/versions.js';
import { ROWS_PER_PAGE } from '../../../protocol/ledger/limits.js';
import type { Parameters, SignedParameters } from '../../../protocol/ledger/parameters.js';
import { encodeSignedParameters, parametersDigest, signParameters } from '../../../protocol/ledger/parameters-json.js';
import { ROW_PLACES } from '../../../protocol/onion/geometry.js';
import { checkParameters } from '../../../protocol/rules/check-parameters.js';
import { checkSuccessors } from '../../../protocol/rules/check-successor.js';
import { contextIn, type IntervalContext } from '../../../protocol/rules/interval-context.js';
import type { BulletinWriter } from '../../bulletin/writer.js';
import type { RegionLedger } from '../../ledger/region-ledger.js';
import type { Log } from '../../runtime/log.js';
import { untilReachable } from '../../runtime/retry.js';
import { ClientError } from '../../runtime/errors.js';
import type { SealedStore } from '../../runtime/sealed-store.js';
import type { ControlCenterConfig, ParameterSettings } from '../config.js';
import type { ControlCenterKeys } from '../keys.js';
import { storeKey } from '../store-keys.js';

/**
 * The versions of the parameters: those of the configuration, signed. The operator enacts a new one by adding it to
 * the configuration; what was signed once stays as it is.
 */
export class ParameterVersions {
  #list: readonly SignedParameters[];
  readonly #serviceProviderKey: Uint8Array;

  /** @param serviceProviderKey pk_SP of the configuration */
  private constructor(list: readonly SignedParameters[], serviceProviderKey: Uint8Array) {
    this.#list = list;
    this.#serviceProviderKey = serviceProviderKey;
  }

  get list(): readonly SignedParameters[] {
    return this.#list;
  }

  /**
   * Signs the versions that are new.
   *
   * @throws ProtocolError as `checkParameters`; ClientError STATE_CONFLICT when a signed version was changed or removed
   */
  static async open(
    store: SealedStore,
    config: ControlCenterConfig,
    keys: ControlCenterKeys,
  ): Promise<ParameterVersions> {
    const stored = await store.get(storeKey.parameters);
    const signed = stored === undefined ? [] : decodeParametersFile(stored);
    const list: SignedParameters[] = [];
    for (const settings of config.parameters) {
      const previous = list.at(-1)?.parameters;
      const version = signParameters(sodiumCrypto, build(config, keys, settings, previous), keys.signing);
      checkParameters(sodiumCrypto, version, previous);
      list.push(version);
    }
    signed.forEach((version, index) => {
      const configured = list[index];
      if (configured !== undefined && equalBytes(encodeSignedParameters(version), encodeSignedParameters(configured))) {
        return;
      }
      throw new ClientError(
        'STATE_CONFLICT',
        `version ${index + 1} of the parameters differs from the one signed before, or is missing from the configuration`,
      );
    });
    if (list.length > signed.length) {
      await store.put(storeKey.parameters, encodeParametersFile(list));
    }
    return new ParameterVersions(list, config.serviceProvider.publicKey);
  }

  /** Version 1, which fixes what no later version can change. */
  get first(): Parameters {
    return this.#list[0]!.parameters;
  }

  /** The bytes of `parameters.json`, with the successors that were read. */
  get file(): Uint8Array {
    return encodeParametersFile(this.#list);
  }

  /** The version in force at a time; before the first version, the first. */
  at(seconds: number): Parameters {
    return parametersAt(this.#list, seconds);
  }

  /** The version in force when an epoch begins; before the first version, the first. */
  ofEpoch(epoch: number): Parameters {
    return parametersOfEpoch(this.#list, epoch);
  }

  /** Publishes all versions: on the ledger first, which refuses what is not valid. */
  async publish(ledger: RegionLedger, bulletin: BulletinWriter, log: Log): Promise<void> {
    await untilReachable(log, 'ledger', async () => {
      for (const version of this.#list) {
        await ledger.putDocument('PutParameters', encodeSignedParameters(version));
      }
    });
    await untilReachable(log, 'ledger', () => this.#readSuccessors(ledger));
    await bulletin.writeParameters(this.file);
  }

  /**
   * Reads the successors of service providers from the ledger; those that are new are published before anything can be
   * sealed that they have signed.
   */
  async refreshSuccessors(ledger: RegionLedger, bulletin: BulletinWriter): Promise<void> {
    if (await this.#readSuccessors(ledger)) {
      await bulletin.writeParameters(this.file);
    }
  }

  /** @returns whether there are new ones */
  async #readSuccessors(ledger: RegionLedger): Promise<boolean> {
    const list = await ledger.withSuccessors(this.#list);
    const isNew = !equalBytes(encodeParametersFile(list), this.file);
    if (isNew) {
      checkSuccessors(sodiumCrypto, list);
      this.#list = list;
    }
    return isNew;
  }

  /** @throws ProtocolError WRONG_LEDGER, NOT_EFFECTIVE, EPOCH_RANGE */
  context(startSeconds: number): IntervalContext {
    return contextIn(sodiumCrypto, this.#list, startSeconds);
  }

  /** pk_SP of the service provider that prices an interval. */
  serviceProviderKey(startSeconds: number): Uint8Array {
    return successorFor(this.#list, 'pricing', startSeconds)?.serviceProviderKey ?? this.#serviceProviderKey;
  }
}

function build(
  config: ControlCenterConfig,
  keys: ControlCenterKeys,
  settings: ParameterSettings,
  previous: Parameters | undefined,
): Parameters {
  const { serviceProvider } = config;
  const identity = meterIdentity(sodiumCrypto, serviceProvider.publicKey);
  const pseudonymKey = sharedLinkKey(sodiumCrypto, keys.secretKey, serviceProvider.publicKey);
  return {
    ...settings,
    version: (previous?.version ?? 0) + 1,
    region: config.region,
    rowsPerPage: ROWS_PER_PAGE,
    rowsPerPacket: ROW_PLACES,
    controlCenter: {
      mspId: config.ledger.identity.mspId,
      publicKey: keys.publicKey,
      signaturePublicKey: keys.signing.publicKey,
    },
    serviceProvider: {
      mspId: serviceProvider.mspId,
      identity,
      signaturePublicKey: serviceProvider.signaturePublicKey,
      pricePseudonymCommitment: pricePseudonymCommitment(sodiumCrypto, identity, pseudonymKey),
    },
    demo: config.enrolmentSeed !== undefined,
    previous: previous === undefined ? NO_DIGEST : parametersDigest(sodiumCrypto, previous),
  };
}
