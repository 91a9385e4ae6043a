// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { asciiBytes, toHex } from '../../protocol/crypto/bytes.js';
import type { SigningKey } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto as crypto } from '../../protocol/crypto/sodium.js';
import { sealEnrolment, type EnrolmentRequest } from '../../protocol/identity/enrolment.js';
import { directoryValidity } from '../../protocol/schedule/epochs.js';
import { decodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { fingerprint, type Parameters } from '../../protocol/ledger/parameters.js';
import { signTariff } from '../../protocol/tariff/tariff.js';
import { sealControlCenterPacket, type PacketRow } from '../../protocol/onion/control-center-payload.js';
import {
  decodeSignedDirectory,
  encodeSignedDescriptor,
  signDescriptor,
  type RelayDescriptor,
} from '../../protocol/onion/directory-format.js';
import { FakeMeter, PseudonymChains } from './fake-meter.js';
import { timersOn } from './links.js';
import { MODES, type Modes } from './modes.js';
import { ContractLedger, type ContractClient, type Death } from './ledger/contract-ledger.js';
import { SteppedClock } from '../../client-apps/runtime/clock.js';
import { parseConfig } from '../../client-apps/runtime/config.js';
import { enrol, enrolHub, type MeterEnrolment } from '../../client-apps/links/enrolment-client.js';
import { HttpsBulletin } from '../../client-apps/bulletin/reader.js';
import { OutgoingLink } from '../../client-apps/links/connect.js';
import { FRAME } from '../../client-apps/links/frames.js';
import { linkKeyFromSeed, selfIssuedIdentity, type LinkKey } from '../../client-apps/links/link-identity.js';
import type { PartyContext, RunningParty } from '../../client-apps/runtime/party.js';
import type { ReportData } from '../../client-apps/runtime/report.js';
import { controlCenterConfig, type ControlCenterConfig } from '../../client-apps/control-center/config.js';
import { openControlCenter } from '../../client-apps/control-center/control-center.js';
import type { Probe } from '../../client-apps/control-center/registration/relay-addresses.js';
import { makeEnrolmentCodes, type CodeRole } from '../../client-apps/control-center/registration/enrolment-codes.js';
import { serviceProviderConfig } from '../../client-apps/service-provider/config.js';
import { loadServiceProviderKeys, type ServiceProviderKeys } from '../../client-apps/service-provider/keys.js';
import {
  bulletinServerKey,
  openBulletinServer,
  type BulletinServerConfig,
} from '../../client-apps/bulletin/serve/main.js';
import { openServiceProvider } from '../../client-apps/service-provider/service-provider.js';
import { loadControlCenterKeys } from '../../client-apps/control-center/keys.js';
import { FileKey } from '../../client-apps/runtime/sealed-file.js';

const ORIGIN_SECONDS = 1_384_128_000;
const SEED = new Uint8Array(32).fill(1);
const PROVIDER_SEED = new Uint8Array(32).fill(2);
const HEIR_SEED = new Uint8Array(32).fill(3);
const CATEGORIES = [50_000n, 100_000n, 200_000n, 400_000n, 800_000n] as const;
const TARIFF = {
  points: [
    { perMeterMilliWattHours: 0n, priceNanoPerKilowattHour: 100_000_000n },
    { perMeterMilliWattHours: 400_000n, priceNanoPerKilowattHour: 300_000_000n },
  ],
};
const MSP = { controlCenter: 'ControlCenterMSP', serviceProvider: 'ServiceProviderMSP' } as const;

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

function secret(name: string): Uint8Array {
  return crypto.sha256(asciiBytes(`gridveil test ${name}`));
}

/** A service provider that runs. */
export interface RunningProvider {
  readonly party: RunningParty;
  readonly client: ContractClient;
  /** Error with which it ended by itself. */
  failure: unknown;
}

/** A control center that runs. */
export interface RunningCenter {
  readonly party: RunningParty;
  readonly client: ContractClient;
  /** Of the bulletin server in front of it. */
  readonly httpsPort: number;
  readonly linkPort: number;
}

/** A relay of a layer, as far as the control center sees it. */
export class FakeRelay {
  readonly identity: SigningKey;
  readonly link: LinkKey;
  readonly address: string;

  constructor(
    readonly layer: number,
    readonly number: number,
    readonly operator = `operator-${layer}-${number}`,
  ) {
    this.identity = crypto.ed25519Key(secret(`relay ${layer} ${number} identity`));
    this.link = linkKeyFromSeed(secret(`relay ${layer} ${number} link`));
    this.address = `relay-${layer}-${number}.gridveil.invalid:7000`;
  }

  descriptor(parameters: Parameters, epoch: number, change: Partial<RelayDescriptor> = {}): Uint8Array {
    const descriptor = {
      region: parameters.region,
      epoch,
      operator: this.operator,
      layer: this.layer,
      address: this.address,
      identity: this.identity.publicKey,
      linkPin: this.link.pin,
      onionKey: crypto.x25519PublicKey(secret(`${this.operator} onion ${epoch}`)),
      ...directoryValidity(parameters, epoch),
      ...change,
    };
    return encodeSignedDescriptor(signDescriptor(crypto, descriptor, this.identity));
  }
}

/** Interval and category of a row. */
interface RowParts {
  readonly startSeconds: number;
  readonly epoch: number;
  readonly category: number;
  /** Pseudonyms to leave unused before it. */
  readonly skip?: number;
}

/** A meter that enrols, and makes packets from its keys. */
export class EnrollingMeter extends FakeMeter {
  readonly link: LinkKey;
  readonly #controlCenterPublicKey: Uint8Array;
  readonly #chains = new PseudonymChains();
  #enrolment: MeterEnrolment | undefined;

  constructor(
    readonly name: string,
    controlCenterPublicKey: Uint8Array,
  ) {
    const [secretKey, meterKey] = [secret(`${name} sk`), secret(`${name} K`)];
    super(crypto, { number: NaN, secretKey, meterKey, controlCenterPublicKey });
    this.#controlCenterPublicKey = controlCenterPublicKey;
    this.link = linkKeyFromSeed(secret(`${name} link`));
  }

  get enrolment(): MeterEnrolment | undefined {
    return this.#enrolment;
  }

  set enrolment(enrolment: MeterEnrolment | undefined) {
    this.#enrolment = enrolment;
    this.number = enrolment?.meterNumber ?? NaN;
  }

  request(code: Uint8Array): EnrolmentRequest {
    return sealEnrolment(crypto, {
      code,
      linkPin: this.link.pin,
      secretKey: this.secretKey,
      meterKey: this.meterKey,
      controlCenterPublicKey: this.#controlCenterPublicKey,
      ephemeralSecretKey: random(32),
    });
  }

  /** The meter's next row of an interval. */
  row(parameters: Parameters, row: RowParts): PacketRow {
    const made = this.#chains.nextRow(crypto, parameters, this, row);
    return { k: made.source.k, row: made.row };
  }

  packet(onionKey: Uint8Array, epoch: number, slotStartSeconds: number, rows: readonly PacketRow[]): Uint8Array {
    const payload = { meterNumber: this.number, epoch, slotStartSeconds, rows };
    return sealControlCenterPacket(crypto, { onionKey, payload, linkKey: this.secretsOf(epoch).linkKey, random });
  }
}

/** Settings of a region under test. */
interface RegionParts {
  readonly directory: string;
  readonly fileKey: FileKey;
  readonly publicKey: Uint8Array;
  readonly linkPin: Uint8Array;
  /** Pin of the bulletin server. */
  readonly pin: Uint8Array;
  readonly fingerprint: string;
  readonly serviceProvider: ServiceProviderKeys;
  readonly modes: Modes;
}

/** A region with a control center on the real contracts, its relays and meters; everything else is up to the test. */
export class ControlCenterUnderTest implements RegionParts {
  readonly directory: string;
  readonly fileKey: FileKey;
  readonly publicKey: Uint8Array;
  readonly linkPin: Uint8Array;
  readonly pin: Uint8Array;
  readonly fingerprint: string;
  readonly serviceProvider: ServiceProviderKeys;
  readonly modes: Modes;
  readonly ledger = new ContractLedger();
  clock = new SteppedClock((ORIGIN_SECONDS - 3_600) * 1_000);
  readonly reports: { name: string; data: ReportData }[] = [];
  readonly relays = [1, 2].flatMap((layer) => [new FakeRelay(layer, 1), new FakeRelay(layer, 2)]);
  readonly startSeconds = ORIGIN_SECONDS;
  /** The control center's log, one entry a line. */
  readonly logged: Record<string, unknown>[] = [];
  /** Whether a relay answers at an address: the fake ones do not listen. */
  probe: Probe = () => Promise.resolve(true);
  /** Replaces parts of the context in which parties are started. */
  changes: Partial<PartyContext> = {};
  /** Codes of the meters that were enrolled, in order. */
  readonly usedCodes: Uint8Array[] = [];
  readonly #links: OutgoingLink[] = [];
  readonly #running: RunningParty[] = [];

  private constructor(parts: RegionParts) {
    this.directory = parts.directory;
    this.fileKey = parts.fileKey;
    this.publicKey = parts.publicKey;
    this.linkPin = parts.linkPin;
    this.pin = parts.pin;
    this.fingerprint = parts.fingerprint;
    this.serviceProvider = parts.serviceProvider;
    this.modes = parts.modes;
  }

  static async create(modes: Modes = MODES[0]): Promise<ControlCenterUnderTest> {
    const directory = await mkdtemp(join(tmpdir(), 'gridveil-center-'));
    const fileKey = new FileKey(new Uint8Array(32).fill(9), 'test', 'region');
    const serviceProvider = await loadServiceProviderKeys({
      directory: join(directory, 'provider'),
      fileKey,
      random,
      seed: PROVIDER_SEED,
    });
    const keys = await loadControlCenterKeys({ directory: join(directory, 'center'), fileKey, random, seed: SEED });
    return new ControlCenterUnderTest({
      directory,
      fileKey,
      publicKey: keys.publicKey,
      linkPin: keys.link.pin,
      pin: (await bulletinServerKey(join(directory, 'server'), fileKey, random)).pin,
      fingerprint: fingerprint(crypto, keys.signing.publicKey),
      serviceProvider,
      modes,
    });
  }

  get bulletin(): string {
    return join(this.directory, 'bulletin-root');
  }

  get settings(): Record<string, unknown> {
    const { serviceProvider } = this;
    const text = (value: bigint): string => value.toString();
    return {
      effectiveFromSeconds: ORIGIN_SECONDS,
      epochOriginSeconds: ORIGIN_SECONDS,
      intervalSeconds: 1_800,
      epochSeconds: 2 * 1_800,
      categoriesMilliWattHours: CATEGORIES.map(text),
      kAnonymity: 3,
      ...this.modes,
      registryDepth: 4,
      onion: { layers: 2 },
      tariff: {
        points: TARIFF.points.map((point) => ({
          perMeterMilliWattHours: text(point.perMeterMilliWattHours),
          priceNanoPerKilowattHour: text(point.priceNanoPerKilowattHour),
        })),
      },
      tariffSignature: toHex(signTariff(crypto, 'test', TARIFF, serviceProvider.signing)),
    };
  }

  config(changes: Record<string, unknown> = {}): ControlCenterConfig {
    const { serviceProvider } = this;
    const identity = { mspId: MSP.controlCenter, certificatePath: 'none', keyPath: 'none' };
    return parseConfig(
      controlCenterConfig,
      {
        directory: join(this.directory, 'center'),
        bulletin: this.bulletin,
        region: 'test',
        ledger: { profile: 'none', identity },
        links: { host: '127.0.0.1', port: 0, address: 'control-center.gridveil.invalid:7000' },
        parameters: [this.settings],
        serviceProvider: {
          mspId: MSP.serviceProvider,
          publicKey: toHex(serviceProvider.publicKey),
          signaturePublicKey: toHex(serviceProvider.signing.publicKey),
        },
        relays: this.relays.map(({ identity: key, link, operator, layer, address }) => ({
          identity: toHex(key.publicKey),
          linkPin: toHex(link.pin),
          operator,
          layer,
          address,
        })),
        enrolmentSeed: toHex(SEED),
        ...changes,
      },
      'test',
    );
  }

  get serverConfig(): BulletinServerConfig {
    return {
      directory: join(this.directory, 'server'),
      bulletin: this.bulletin,
      listen: { host: '127.0.0.1', port: 0 },
      enrolmentSocket: join(this.directory, 'center', 'enrolment.sock'),
    };
  }

  context(): PartyContext {
    const report = (name: string, data: ReportData): void => void this.reports.push({ name, data });
    const log = pino(
      { level: 'warn' },
      { write: (line) => this.logged.push(JSON.parse(line) as (typeof this.logged)[0]) },
    );
    return { clock: this.clock, random, log, report, ...this.changes };
  }

  /** Starts the control center. @param death when its process ends */
  async start(death?: Death, changes?: Record<string, unknown>): Promise<RunningCenter> {
    const client = this.ledger.client(MSP.controlCenter, death);
    const party = await openControlCenter(this.config(changes), this.context(), {
      fileKey: this.fileKey,
      client,
      loops: false,
      probe: this.probe,
    });
    this.#running.push(party);
    const { linkPort } = this.reports.findLast(({ name }) => name === 'ready')!.data as { linkPort: number };
    let port = 0;
    const report = (_: string, data: ReportData): void => void (port = data['port'] as number);
    const server = await openBulletinServer(this.serverConfig, { ...this.context(), report }, this.fileKey);
    const both: RunningParty = {
      ended: party.ended,
      stop: async () => {
        await Promise.all([party.stop(), server.stop()]);
      },
    };
    this.#running.splice(this.#running.indexOf(party), 1, both);
    return { party: both, client, httpsPort: port, linkPort };
  }

  /** The keys of another service provider, which can be named as successor. */
  heir(): Promise<ServiceProviderKeys> {
    const directory = join(this.directory, 'heir');
    return loadServiceProviderKeys({ directory, fileKey: this.fileKey, random, seed: HEIR_SEED });
  }

  /** Starts the service provider. @param death when its process ends, @param name of its directory, and so which one */
  async startProvider(death?: Death, name: 'provider' | 'heir' = 'provider'): Promise<RunningProvider> {
    const client = this.ledger.client(MSP.serviceProvider, death);
    const identity = { mspId: MSP.serviceProvider, certificatePath: 'none', keyPath: 'none' };
    const config = parseConfig(
      serviceProviderConfig,
      {
        directory: join(this.directory, name),
        region: 'test',
        ledger: { profile: 'none', identity },
        trustAnchor: this.fingerprint,
        enrolmentSeed: toHex(name === 'heir' ? HEIR_SEED : PROVIDER_SEED),
      },
      'test',
    );
    const party = await openServiceProvider(config, this.context(), this.fileKey, client);
    const running: RunningProvider = { party, client, failure: undefined };
    party.ended.catch((error: unknown) => (running.failure = error));
    this.#running.push(party);
    return running;
  }

  address(center: RunningCenter): { url: string; pin: Uint8Array } {
    return { url: `https://127.0.0.1:${center.httpsPort}`, pin: this.pin };
  }

  codes(role: CodeRole, count: number, connectionLimitWatts?: number): Promise<Uint8Array[]> {
    const { fileKey } = this;
    return makeEnrolmentCodes(
      { directory: join(this.directory, 'center'), fileKey, random },
      { role, count, connectionLimitWatts },
    );
  }

  /** Enrols meters over HTTPS. */
  async enrolMeters(center: RunningCenter, count: number, name = 'meter'): Promise<EnrollingMeter[]> {
    const meters: EnrollingMeter[] = [];
    for (const code of await this.codes('meter', count)) {
      this.usedCodes.push(code);
      const meter = new EnrollingMeter(`${name} ${meters.length}`, this.publicKey);
      meter.enrolment = await enrol(this.address(center), meter.request(code), meter.link.publicKey);
      meters.push(meter);
    }
    return meters;
  }

  /** Enrols hubs over HTTPS. @returns their codes */
  async enrolHubs(center: RunningCenter, count: number, name = 'hub'): Promise<Uint8Array[]> {
    const codes = await this.codes('hub', count);
    for (const [index, code] of codes.entries()) {
      const link = linkKeyFromSeed(secret(`${name} ${index} link`));
      const priceKey = crypto.x25519PublicKey(secret(`${name} ${index} price`));
      await enrolHub(this.address(center), code, link.publicKey, priceKey);
    }
    return codes;
  }

  /** A link of a relay to the control center. */
  async link(center: RunningCenter, relay: FakeRelay): Promise<OutgoingLink> {
    const nowSeconds = Math.floor(this.clock.nowMilliseconds() / 1_000);
    const identity = await selfIssuedIdentity(relay.link, {
      validFromSeconds: nowSeconds - 1,
      validUntilSeconds: nowSeconds + 1_000_000,
    });
    const options = { identity, timers: timersOn(this.clock), random };
    const link = new OutgoingLink({ address: `127.0.0.1:${center.linkPort}`, pin: this.linkPin }, options);
    this.#links.push(link);
    return link;
  }

  async parameters(center: RunningCenter): Promise<Parameters> {
    const { url, pin } = this.address(center);
    const source = new HttpsBulletin(url, pin);
    try {
      return decodeParametersFile((await source.readParameters())!)[0]!.parameters;
    } finally {
      source.close();
    }
  }

  /** Every relay announces itself for some epochs. */
  async announce(center: RunningCenter, epochs: readonly number[]): Promise<void> {
    const parameters = await this.parameters(center);
    for (const relay of this.relays) {
      const link = await this.link(center, relay);
      for (const epoch of epochs) {
        link.send(FRAME.descriptor, relay.descriptor(parameters, epoch));
      }
    }
    await this.quiet();
  }

  /** The control center's onion key of an epoch, from the directory that it published. */
  async onionKey(center: RunningCenter, epoch: number): Promise<Uint8Array> {
    const { url, pin } = this.address(center);
    const source = new HttpsBulletin(url, pin);
    try {
      return decodeSignedDirectory((await source.readDirectory('test', epoch))!).directory.controlCenter.onionKey;
    } finally {
      source.close();
    }
  }

  /** Sends inner packets as a relay of the last layer and waits until they are handled. */
  async send(center: RunningCenter, packets: readonly Uint8Array[]): Promise<void> {
    const link = await this.link(center, this.relays.at(-1)!);
    for (const packet of packets) {
      link.send(FRAME.packet, packet);
    }
    await this.quiet();
  }

  /** Moves simulated time and waits until nothing is under way. */
  async advanceTo(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1_000);
    await this.quiet();
  }

  /** Waits until nothing is under way, or a process has died and time continues with another clock. */
  async quiet(): Promise<void> {
    const { clock } = this;
    let calm = 0;
    while (calm < 3 && clock === this.clock) {
      await pause(2);
      const { sent, received, work } = clock.state();
      calm = sent === received && work === 0 ? calm + 1 : 0;
    }
  }

  /** Ends links and parties; a party whose process died in a test leaves its files to the next one. */
  async stop(): Promise<void> {
    for (const link of this.#links.splice(0)) {
      await link.close();
    }
    for (const party of this.#running.splice(0)) {
      await party.stop();
    }
  }

  /** Ends everything that was left of a process that died, and its links; the work it had begun is over too. */
  async bury({ party }: { party: RunningParty }): Promise<void> {
    this.clock = new SteppedClock(this.clock.nowMilliseconds());
    for (const link of this.#links.splice(0)) {
      await link.close();
    }
    this.#running.splice(this.#running.indexOf(party), 1);
    await party.stop();
  }

  async remove(): Promise<void> {
    // A party that died in a test may still be finishing a file: one that was listed is gone when it is to be removed.
    for (let attempts = 5; ; attempts--) {
      try {
        await rm(this.directory, { recursive: true, force: true });
        return;
      } catch (error) {
        if (attempts === 1) {
          throw error;
        }
      }
    }
  }
}
