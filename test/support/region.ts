// SPDX-License-Identifier: Apache-2.0
import type { Roles } from '../../network/topology/topology.js';
import { asciiBytes, compareBytes } from '../../protocol/crypto/bytes.js';
import type { Crypto, SigningKey } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { meterIdentity, sharedLinkKey } from '../../protocol/identity/meter-identity.js';
import { pricePseudonymCommitment } from '../../protocol/identity/pseudonym.js';
import { Registry, registryPadding } from '../../protocol/identity/registry.js';
import { signConsumerList, type SignedConsumerList } from '../../protocol/ledger/consumer-list.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import { directoryValidity, epochStartSeconds } from '../../protocol/schedule/epochs.js';
import type { Parameters, SignedParameters } from '../../protocol/ledger/parameters.js';
import { parametersDigest, signParameters } from '../../protocol/ledger/parameters-json.js';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import type { ServiceProviderParameters } from '../../protocol/ledger/service-provider.js';
import { type SignedSuccessor, signSuccessor, type Successor } from '../../protocol/ledger/successor.js';
import { signRegistryRoot, type SignedRegistryRoot } from '../../protocol/ledger/registry-root.js';
import { signTariff, type Tariff } from '../../protocol/tariff/tariff.js';
import { sortDescriptors } from '../../protocol/onion/directory.js';
import { signDescriptor, signDirectory, type SignedDirectory } from '../../protocol/onion/directory-format.js';
import { FakeMeter } from './fake-meter.js';

/** The energies of the London example, and its first Monday. */
const CATEGORIES = [50_000n, 100_000n, 200_000n, 400_000n, 800_000n];
const ORIGIN_SECONDS = Date.UTC(2013, 10, 11) / 1_000;
const TARIFF: Tariff = {
  points: [
    { perMeterMilliWattHours: 0n, priceNanoPerKilowattHour: 100_000_000n },
    { perMeterMilliWattHours: 200_000n, priceNanoPerKilowattHour: 250_000_000n },
    { perMeterMilliWattHours: 1_000_000n, priceNanoPerKilowattHour: 400_000_000n },
  ],
};

/** The keys of a service provider. */
export interface FakeProvider {
  readonly signing: SigningKey;
  /** pk_SP, X25519. */
  readonly publicKey: Uint8Array;
  /** H1(sk_{SP,CC}). */
  readonly pricePseudonymKey: Uint8Array;
  readonly names: ServiceProviderParameters;
}

/** Choices of a test; the rest is fixed. */
export interface RegionOptions {
  /** MSP ids of the parties. */
  readonly roles?: Pick<Roles, 'controlCenter' | 'serviceProvider'>;
  readonly crypto?: Crypto;
  /** Registered meters, 10 when not said. */
  readonly meters?: number;
  /** Consumers on the list of price mode `direct`, 10 when not said. */
  readonly consumers?: number;
  /** pk_{U_i} of further consumers on that list. */
  readonly consumerKeys?: readonly Uint8Array[];
  /** Replaces fields of the first version of the parameters. */
  readonly parameters?: Partial<Parameters>;
}

/**
 * One region with all its secrets, so that a test can make whatever any party could. Built from the protocol's own
 * functions and fixed seeds: the same options give the same bytes.
 */
export class FakeRegion {
  readonly crypto: Crypto;
  readonly controlCenter: SigningKey;
  readonly serviceProvider: SigningKey;
  /** H1(sk_{SP,CC}), which makes the pseudonyms of price rows. */
  readonly pricePseudonymKey: Uint8Array;
  /** Version 1. */
  readonly signedParameters: SignedParameters;
  readonly meters: readonly FakeMeter[];
  readonly #consumerKeys: readonly Uint8Array[];
  /** pk_SP, X25519. */
  readonly serviceProviderKey: Uint8Array;
  readonly #providerSecretKey: Uint8Array;
  readonly #registries = new Map<number, Registry>();

  constructor(options: RegionOptions = {}) {
    this.crypto = options.crypto ?? sodiumCrypto;
    this.controlCenter = this.signingKey('control center');
    this.serviceProvider = this.signingKey('service provider');
    const secretKey = this.secret('control center x25519');
    const publicKey = this.crypto.x25519PublicKey(secretKey);
    const providerSecretKey = this.secret('service provider x25519');
    const providerPublicKey = this.crypto.x25519PublicKey(providerSecretKey);
    this.#providerSecretKey = providerSecretKey;
    this.serviceProviderKey = providerPublicKey;
    const consumerKeys = Array.from({ length: options.consumers ?? 10 }, (_, i) =>
      this.crypto.x25519PublicKey(this.secret(`consumer ${i}`)),
    );
    this.#consumerKeys = [...consumerKeys, ...(options.consumerKeys ?? [])].sort(compareBytes);
    const identity = meterIdentity(this.crypto, providerPublicKey);
    this.pricePseudonymKey = sharedLinkKey(this.crypto, providerSecretKey, publicKey);
    const region = options.parameters?.region ?? 'london';
    const tariff = options.parameters?.tariff ?? TARIFF;
    this.signedParameters = this.signParameters({
      version: 1,
      region,
      effectiveFromSeconds: ORIGIN_SECONDS,
      intervalSeconds: 1_800,
      slotSeconds: 300,
      graceSeconds: 120,
      epochOriginSeconds: ORIGIN_SECONDS,
      epochSeconds: 86_400,
      categoriesMilliWattHours: CATEGORIES,
      kAnonymity: 5,
      rowsPerPage: 500,
      rowsPerPacket: 3,
      registryDepth: 13,
      identityMode: 'chain',
      priceMode: 'ledger',
      onion: { layers: 2, meanDelayMilliseconds: 4_000, maximumDelayMeans: 5, offsetWindowSeconds: 20 },
      tariff,
      tariffSignature: signTariff(this.crypto, region, tariff, this.serviceProvider),
      controlCenter: {
        mspId: options.roles?.controlCenter ?? 'ControlCenterMSP',
        publicKey,
        signaturePublicKey: this.controlCenter.publicKey,
      },
      serviceProvider: {
        mspId: options.roles?.serviceProvider ?? 'ServiceProviderMSP',
        identity,
        signaturePublicKey: this.serviceProvider.publicKey,
        pricePseudonymCommitment: pricePseudonymCommitment(this.crypto, identity, this.pricePseudonymKey),
      },
      demo: true,
      previous: NO_DIGEST,
      ...options.parameters,
    });
    this.meters = Array.from({ length: options.meters ?? 10 }, (_, number) => {
      const [secretKey, meterKey] = [this.secret(`meter ${number} x25519`), this.secret(`meter ${number} key`)];
      return new FakeMeter(this.crypto, { number, secretKey, meterKey, controlCenterPublicKey: publicKey });
    });
  }

  /** The service provider of the parameters. */
  get provider(): FakeProvider {
    const { serviceProvider: signing, pricePseudonymKey, serviceProviderKey: publicKey } = this;
    return { signing, pricePseudonymKey, publicKey, names: this.parameters.serviceProvider };
  }

  /** Another service provider, which can be named as successor. */
  otherProvider(name: string, mspId = this.parameters.serviceProvider.mspId): FakeProvider {
    const signing = this.signingKey(name);
    const publicKey = this.crypto.x25519PublicKey(this.secret(`${name} x25519`));
    const pricePseudonymKey = sharedLinkKey(this.crypto, this.secret('control center x25519'), publicKey);
    const identity = meterIdentity(this.crypto, publicKey);
    const commitment = pricePseudonymCommitment(this.crypto, identity, pricePseudonymKey);
    const names = { mspId, identity, signaturePublicKey: signing.publicKey, pricePseudonymCommitment: commitment };
    return { signing, publicKey, pricePseudonymKey, names };
  }

  /** The control center's document that names a successor. @param change of its fields, before it is signed */
  successor(
    kind: ProvidedKind,
    fromSeconds: number,
    { names, publicKey }: FakeProvider,
    change: Partial<Successor> = {},
  ): SignedSuccessor {
    const content = {
      kind,
      region: this.region,
      fromSeconds,
      parametersVersion: 1,
      parametersDigest: parametersDigest(this.crypto, this.parameters),
      serviceProvider: names,
      serviceProviderKey: publicKey,
      ...change,
    };
    return signSuccessor(this.crypto, content, this.controlCenter);
  }

  get parameters(): Parameters {
    return this.signedParameters.parameters;
  }

  get region(): string {
    return this.parameters.region;
  }

  /** Start of interval `index`, counted from the first that the parameters cover. */
  startOf(index: number): number {
    return this.parameters.effectiveFromSeconds + index * this.parameters.intervalSeconds;
  }

  /** 32 fixed bytes for a name. */
  secret(name: string): Uint8Array {
    return this.crypto.sha256(asciiBytes(`gridveil test ${name}`));
  }

  signingKey(name: string): SigningKey {
    return this.crypto.ed25519Key(this.secret(`${name} ed25519`));
  }

  /** Signs parameters with the control center's key. */
  signParameters(parameters: Parameters): SignedParameters {
    return signParameters(this.crypto, parameters, this.controlCenter);
  }

  /** All meters, none excluded. */
  registry(epoch: number): Registry {
    let registry = this.#registries.get(epoch);
    if (registry === undefined) {
      const leaves = this.meters.map((meter) => meter.secretsOf(epoch).leaf);
      const padding = registryPadding(this.crypto, this.secret('padding'), epoch);
      registry = new Registry(this.crypto, leaves, this.parameters.registryDepth, padding);
      this.#registries.set(epoch, registry);
    }
    return registry;
  }

  registryRoot(epoch: number): SignedRegistryRoot {
    const { root, depth, meters } = this.registry(epoch);
    const effectiveFromSeconds = epochStartSeconds(this.parameters, epoch);
    const registryRoot = { region: this.region, epoch, root, depth, meters, effectiveFromSeconds };
    return signRegistryRoot(this.crypto, registryRoot, this.controlCenter);
  }

  /** All consumers, none left out. */
  consumerList(epoch: number): SignedConsumerList {
    const list = {
      region: this.region,
      epoch,
      serviceProviderKey: this.serviceProviderKey,
      consumers: this.#consumerKeys,
    };
    return signConsumerList(this.crypto, list, this.controlCenter);
  }

  /** H1(sk_{SP,U_i}), as the service provider makes it. */
  consumerSharedKey(publicKey: Uint8Array): Uint8Array {
    return sharedLinkKey(this.crypto, this.#providerSecretKey, publicKey);
  }

  /** Two relays a layer. */
  directory(epoch: number): SignedDirectory {
    const { region, crypto } = this;
    const validity = directoryValidity(this.parameters, epoch);
    const onionKey = (name: string): Uint8Array => crypto.x25519PublicKey(this.secret(`${name} onion ${epoch}`));
    const descriptors = Array.from({ length: 2 * this.parameters.onion.layers }, (_, index) => {
      const layer = 1 + (index >> 1);
      const name = `relay-${layer}-${1 + (index & 1)}`;
      const identity = this.signingKey(name);
      const descriptor = {
        region,
        epoch,
        operator: name,
        layer,
        address: `${name}.gridveil.invalid:7000`,
        identity: identity.publicKey,
        linkPin: this.secret(`${name} link`),
        onionKey: onionKey(name),
        ...validity,
      };
      return signDescriptor(crypto, descriptor, identity);
    });
    const directory = {
      region,
      epoch,
      layers: this.parameters.onion.layers,
      ...validity,
      controlCenter: {
        address: 'control-center.gridveil.invalid:7000',
        linkPin: this.secret('control center link'),
        onionKey: onionKey('control center'),
      },
      linkAuthority: new Uint8Array(91).fill(1),
      relays: sortDescriptors(descriptors),
    };
    return signDirectory(crypto, directory, this.controlCenter);
  }
}
