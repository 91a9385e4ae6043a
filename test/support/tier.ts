// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { z } from 'zod';
import type { SigningKey } from '../../protocol/crypto/crypto.js';
import { FakeRegion } from './region.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { encodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { sortDescriptors } from '../../protocol/onion/directory.js';
import { directoryValidity } from '../../protocol/schedule/epochs.js';
import {
  decodeSignedDescriptor,
  encodeSignedDirectory,
  signDirectory,
  type Directory,
  type SignedDescriptor,
} from '../../protocol/onion/directory-format.js';
import { INNER_LENGTH } from '../../protocol/onion/geometry.js';
import { OnionKeys } from '../../protocol/onion/onion-keys.js';
import { peelPacket } from '../../protocol/onion/packet.js';
import { wrapForPath, type PacketDestination, type PathHop } from '../../protocol/onion/path.js';
import { SteppedClock } from '../../client-apps/runtime/clock.js';
import { OutgoingLink, type LinkTarget } from '../../client-apps/links/connect.js';
import { FRAME } from '../../client-apps/links/frames.js';
import {
  issueLinkCertificate,
  linkKeyFromSeed,
  selfIssuedIdentity,
  type LinkIdentity,
  type LinkRole,
} from '../../client-apps/links/link-identity.js';
import { ALWAYS, identityOf, listen, osRandom, seedOf, timersOn, until } from './links.js';
import type { LinkListener } from '../../client-apps/links/listen.js';
import type { PartyContext } from '../../client-apps/runtime/party.js';
import { placedRelayConfig, type PlacedRelayConfig } from '../../client-apps/relay/config.js';
import type { RelayParts } from '../../client-apps/relay/parts.js';
import { Relay } from '../../client-apps/relay/relay.js';
import { loadRelayKeys, OnionKeyFile, relayFileKey, relayKeysFrom } from '../../client-apps/relay/keys.js';

/** A relay that an attacker has taken over; one of the first layer passes on what it likes. */
export interface CorruptRelay {
  readonly identity: LinkIdentity;
  /** Packets that arrived. */
  readonly taken: Uint8Array[];
  /** Passes a packet on, as the relay would. */
  pass(packet: Uint8Array): void;
}

/** A whole tier of two layers with two relays each, on a simulated clock, with a control center that only collects. */
export class TierUnderTest {
  /** Epochs of two hours, so that a test sees several. */
  readonly kit = new FakeRegion({ parameters: { epochSeconds: 7_200 } });
  readonly clock: SteppedClock;
  readonly relays: (Relay | undefined)[] = [];
  /** Inner packets that came to the control center, and when. */
  readonly arrived: { readonly packet: Uint8Array; readonly atMilliseconds: number }[] = [];
  /** Replaces the share of a neighbour, of relays that are started later. */
  shares: Pick<RelayParts, 'packetsToNextHop'> = {};
  /** Packets that a relay holds, of relays that are started later; undefined for the default. */
  poolCapacity: number | undefined;
  /** The relays' log, one entry a line. */
  readonly logged: Record<string, unknown>[] = [];
  onArrival: (packet: Uint8Array) => void = () => undefined;
  readonly authority = linkKeyFromSeed(seedOf('link authority'));
  /** Replaces parts of the context in which relays are started. */
  context: Partial<PartyContext> = {};
  /** The newest directory that was published. */
  directory!: Directory;
  readonly #controlCenterKeys = OnionKeys.first(sodiumCrypto, 0, seedOf('control center onion'));
  readonly #descriptors = new Map<string, SignedDescriptor>();
  readonly #files = new Map<string, Uint8Array>();
  /** Listening addresses of the relays, by their addresses in the directory. */
  readonly overrides: Record<string, string> = {};
  readonly #metricsPorts: number[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #processKey = seedOf('file key');
  #home!: string;
  #server!: Server;
  #controlCenter!: LinkListener<string>;

  readonly #unsafeTrace: string | undefined;
  readonly #loops: boolean;

  /**
   * @param unsafeTrace directory for the relays' traces
   * @param loops whether the relays send loops: where single packets are counted they would be in the way
   */
  constructor(unsafeTrace?: string, loops = false) {
    this.#unsafeTrace = unsafeTrace;
    this.#loops = loops;

    this.clock = new SteppedClock((this.kit.startOf(1) - this.kit.parameters.slotSeconds) * 1000);
    this.#files.set('/parameters.json', encodeParametersFile([this.kit.signedParameters]));
  }

  /** Starts everything and moves to the first reporting window. */
  async start(): Promise<void> {
    this.#home = await mkdtemp(join(tmpdir(), 'gridveil-relay-'));
    await this.#startBulletin();
    this.#controlCenter = await listen('control center', {
      clock: this.clock,
      onFrame: (_link, type, body) => {
        if (type === FRAME.descriptor) {
          this.#takeDescriptor(body);
        } else {
          this.arrived.push({ packet: body, atMilliseconds: this.clock.nowMilliseconds() });
        }
        if (type === FRAME.packet) {
          this.onArrival(body);
        }
      },
    });
    this.overrides['control-center.invalid:7000'] = `127.0.0.1:${this.#controlCenter.port}`;
    for (const index of [3, 2, 1, 0]) {
      await this.startRelay(index);
    }
    await this.publishDirectory(0);
    await this.advanceTo(this.kit.startOf(1) * 1000);
  }

  async stop(): Promise<void> {
    for (const close of this.#closers) {
      await close();
    }
    for (const relay of this.relays) {
      await relay?.stop();
    }
    await this.#controlCenter.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#home, { recursive: true });
  }

  /** Relay 0 and 1 are the first layer, 2 and 3 the last, as in the directory. */
  relay(index: number): Relay {
    return this.relays[index]!;
  }

  relayDirectory(index: number): string {
    return join(this.#home, `relay-${index}`);
  }

  async startRelay(index: number, change: Partial<z.input<typeof placedRelayConfig>> = {}): Promise<Relay> {
    const address = `relay-${index}.invalid:7000`;
    const config: PlacedRelayConfig = placedRelayConfig.parse({
      directory: this.relayDirectory(index),
      region: this.kit.region,
      operator: `operator-${index}`,
      layer: 1 + (index >> 1),
      links: { host: '127.0.0.1', port: 0, address },
      controlCenter: {
        url: `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
        pin: toHex(linkKeyFromSeed(seedOf('control center')).pin),
        linkAddress: 'control-center.invalid:7000',
        linkPin: toHex(linkKeyFromSeed(seedOf('control center')).pin),
      },
      trustAnchor: fingerprint(sodiumCrypto, this.kit.controlCenter.publicKey),
      addressOverrides: this.overrides,
      replayCapacity: 1_024,
      poolCapacity: this.poolCapacity,
      metrics: { host: '127.0.0.1', port: 0 },
      enrolmentSeed: toHex(seedOf(`relay ${index}`)),
      ...change,
    });
    let ports: { port?: number; metricsPort?: number } = {};
    const context = {
      clock: this.clock,
      random: osRandom,
      log: pino({ level: 'warn' }, { write: (line) => this.logged.push(JSON.parse(line) as Record<string, unknown>) }),
      report: (name: string, data: object) => {
        if (name === 'ready') {
          ports = data;
        }
      },
      ...this.context,
    };
    const fileKey = relayFileKey(this.#processKey.slice(), config);
    const keys = await loadRelayKeys(config.directory, fileKey, osRandom, config.enrolmentSeed);
    // Names are looked up when a link is made, so later starts see where earlier ones listen.
    const named = { ...config, addressOverrides: this.overrides };
    const relay = await Relay.start(
      { config: named, context, keys, fileKey, ...this.shares },
      { unsafeTrace: this.#unsafeTrace, loops: this.#loops },
    );
    this.overrides[address] = `127.0.0.1:${ports.port}`;
    this.#metricsPorts[index] = ports.metricsPort!;
    this.relays[index] = relay;
    await this.settle();
    return relay;
  }

  /** Erases a stopped relay's earlier keys, as a start with a clock that is ahead does. @param epoch of that clock */
  async eraseKeysBefore(index: number, epoch: number): Promise<void> {
    const { address } = this.directory.relays[index]!.descriptor;
    const fileKey = relayFileKey(this.#processKey.slice(), { links: { host: '', port: 0, address } });
    await new OnionKeyFile(this.relayDirectory(index), fileKey).load(epoch, osRandom, undefined);
  }

  /** An attacker takes a relay over, with all its keys. */
  async corrupt(index: number): Promise<CorruptRelay> {
    await this.relay(index).stop();
    const seed = seedOf(`relay ${index}`);
    const identity = await selfIssuedIdentity(relayKeysFrom(seed).link, ALWAYS);
    const { address } = this.directory.relays[index]!.descriptor;
    const fileKey = relayFileKey(this.#processKey, { links: { host: '', port: 0, address } });
    const onionKeys = await new OnionKeyFile(this.relayDirectory(index), fileKey).load(0, osRandom, seed);
    const taken: Uint8Array[] = [];
    const onFrame = (_link: unknown, _type: unknown, packet: Uint8Array): void => void taken.push(packet.slice());
    const listener = await listen('attacker', { identity, clock: this.clock, onFrame });
    this.overrides[address] = `127.0.0.1:${listener.port}`;
    this.#closers.push(() => listener.close());
    const links = new Map<number, OutgoingLink>();
    return {
      identity,
      taken,
      pass: (packet) => {
        const { epoch, layers } = this.directory;
        const { route, packet: inside } = peelPacket(sodiumCrypto, {
          key: onionKeys.key(epoch),
          layersLeft: layers,
          packet,
        });
        if (route.to !== 'relay') {
          throw new Error('no packet for the first layer');
        }
        const link = links.get(route.relay) ?? this.connect(route.relay, identity);
        links.set(route.relay, link);
        link.send(FRAME.packet, inside);
      },
    };
  }

  async metrics(index: number): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#metricsPorts[index]}/metrics`)).text();
  }

  /** Makes and publishes the directory of an epoch from the descriptors that came. */
  async publishDirectory(epoch: number, signer: SigningKey = this.kit.controlCenter): Promise<void> {
    const described = (): SignedDescriptor[] =>
      [...this.#descriptors.values()].filter(({ descriptor }) => descriptor.epoch === epoch);
    await until(`four descriptors for epoch ${epoch}`, () => described().length === 4);
    this.directory = {
      region: this.kit.region,
      epoch,
      layers: 2,
      ...directoryValidity(this.kit.parameters, epoch),
      controlCenter: {
        address: 'control-center.invalid:7000',
        linkPin: linkKeyFromSeed(seedOf('control center')).pin,
        onionKey: this.#controlCenterKeys.key(epoch).publicKey,
      },
      linkAuthority: this.authority.publicKey,
      relays: sortDescriptors(described()),
    };
    const signed = signDirectory(sodiumCrypto, this.directory, signer);
    this.#files.set(`/bulletin/${this.kit.region}/directory/${epoch}.json`, encodeSignedDirectory(signed));
  }

  /** Waits until so many packets have come to a relay since it was started. */
  arrivalAt(index: number, packets: number): Promise<void> {
    return until(`${packets} packets at relay ${index}`, () => this.relay(index).counters.received === packets);
  }

  /** A packet through relays 0 … 3 by index, with a delay at each. */
  packet(path: readonly PathHop[], destination: PacketDestination = { to: 'control-center' }): Uint8Array {
    return wrapForPath(sodiumCrypto, {
      directory: this.directory,
      path,
      destination,
      inner: osRandom(INNER_LENGTH),
      random: osRandom,
    })[0];
  }

  /** A certificate of the link authority around a key of this name. */
  async certified(name: string, role: LinkRole): Promise<LinkIdentity> {
    const key = linkKeyFromSeed(seedOf(name));
    return {
      key,
      certificate: await issueLinkCertificate(this.authority, key.publicKey, { role, region: this.kit.region }, ALWAYS),
    };
  }

  target(index: number): LinkTarget {
    const { address, linkPin } = this.directory.relays[index]!.descriptor;
    return { address: this.overrides[address]!, pin: linkPin };
  }

  /** A link to a relay, closed with the tier. */
  connect(index: number, identity: LinkIdentity): OutgoingLink {
    const link = new OutgoingLink(this.target(index), { identity, timers: timersOn(this.clock), random: osRandom });
    this.#closers.push(() => link.close());
    return link;
  }

  /** A link of an enrolled meter. */
  async meter(index: number, name = 'meter'): Promise<OutgoingLink> {
    const link = this.connect(index, await this.certified(name, 'meter'));
    await until('the meter is linked', () => link.isUp);
    return link;
  }

  /** Simulated time advances in steps of a second as in a run. */
  async advanceTo(milliseconds: number): Promise<void> {
    await this.settle();
    while (this.clock.nowMilliseconds() < milliseconds) {
      const next = this.clock.state().nextTimer ?? milliseconds;
      this.clock.advance(Math.min(milliseconds, Math.max(this.clock.nowMilliseconds() + 1_000, next)));
      await this.settle();
    }
  }

  advance(milliseconds: number): Promise<void> {
    return this.advanceTo(this.clock.nowMilliseconds() + milliseconds);
  }

  /** Waits until no party is at work and no frame is on its way. */
  async settle(): Promise<void> {
    let quiet = 0;
    await until('quiet', () => {
      const { work, sent, received } = this.clock.state();
      quiet = work === 0 && sent === received ? quiet + 1 : 0;
      return quiet === 3;
    });
  }

  #takeDescriptor(body: Uint8Array): void {
    const signed = decodeSignedDescriptor(body);
    this.#descriptors.set(`${signed.descriptor.address} ${signed.descriptor.epoch}`, signed);
  }

  async #startBulletin(): Promise<void> {
    const { key, certificate } = await identityOf('control center');
    const pem = key.privateKey.export({ format: 'pem', type: 'pkcs8' });
    this.#server = createServer({ key: pem, cert: certificate }, ({ url }, response) => {
      const file = this.#files.get(url ?? '');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }
}
