// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SystemClock } from '../client-apps/runtime/clock.js';
import { FRAME } from '../client-apps/links/frames.js';
import { selfIssuedIdentity } from '../client-apps/links/link-identity.js';
import { listenLinks } from '../client-apps/links/listen.js';
import { toHex } from '../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../protocol/crypto/sodium.js';
import { encodeParametersFile } from '../protocol/ledger/bulletin.js';
import { fingerprint } from '../protocol/ledger/parameters.js';
import { relaysOfLayer, sortDescriptors } from '../protocol/onion/directory.js';
import { directoryValidity } from '../protocol/schedule/epochs.js';
import {
  decodeSignedDescriptor,
  encodeSignedDirectory,
  signDescriptor,
  signDirectory,
  type SignedDescriptor,
} from '../protocol/onion/directory-format.js';
import { FakeRegion } from '../test/support/region.js';
import { benchLinkKey } from './relay-messages.js';
import { createLog } from '../client-apps/runtime/log.js';
import { Timers } from '../client-apps/runtime/timers.js';

/** The layer of the relay under test: relays send to it, and it sends to relays. */
const LAYERS = 3;
const TESTED = { layer: 2, address: 'relay.bench.invalid:7000' };
/** Short, so that a run ends soon after its last packet; what a relay does is the same for every delay. */
export const DELAYS = { meanDelayMilliseconds: 500, maximumDelayMeans: 5 };
const INTERVAL_SECONDS = 60;
/** The relay looks for its directory once a slot. */
const SLOT_SECONDS = 5;
const EPOCH_SECONDS = 7_200;

/** A region with one real relay in the middle layer; the load stands in for the others. */
export class BenchRegion {
  readonly #kit: FakeRegion;
  readonly #files = new Map<string, Uint8Array>();
  readonly #closers: (() => Promise<unknown>)[] = [];
  /** The relay's descriptor, once received. */
  readonly describedRelay: Promise<SignedDescriptor>;
  #describe!: (descriptor: SignedDescriptor) => void;
  #httpsPort = 0;
  #linkPort = 0;

  private constructor() {
    const nowSeconds = new SystemClock().nowMilliseconds() / 1_000;
    const originSeconds = INTERVAL_SECONDS * (Math.floor(nowSeconds / INTERVAL_SECONDS) - 10);
    this.#kit = new FakeRegion({
      parameters: {
        effectiveFromSeconds: originSeconds,
        epochOriginSeconds: originSeconds,
        epochSeconds: EPOCH_SECONDS,
        intervalSeconds: INTERVAL_SECONDS,
        slotSeconds: SLOT_SECONDS,
        onion: { layers: LAYERS, ...DELAYS, offsetWindowSeconds: SLOT_SECONDS },
      },
    });
    this.#files.set('/parameters.json', encodeParametersFile([this.#kit.signedParameters]));
    this.describedRelay = new Promise((resolve) => (this.#describe = resolve));
  }

  static async start(): Promise<BenchRegion> {
    const region = new BenchRegion();
    await region.#listen();
    return region;
  }

  relayConfig(directory: string, nextPorts: readonly number[]): object {
    return {
      directory,
      region: this.#kit.region,
      operator: 'tested',
      layer: TESTED.layer,
      links: { host: '127.0.0.1', port: 0, address: TESTED.address },
      controlCenter: {
        url: `https://127.0.0.1:${this.#httpsPort}`,
        pin: toHex(benchLinkKey('control center').pin),
        linkAddress: `127.0.0.1:${this.#linkPort}`,
        linkPin: toHex(benchLinkKey('control center').pin),
      },
      trustAnchor: fingerprint(sodiumCrypto, this.#kit.controlCenter.publicKey),
      addressOverrides: Object.fromEntries(
        nextPorts.map((port, index) => [addressOf(`next ${index + 1}`), `127.0.0.1:${port}`]),
      ),
      // The load comes from one of two relays, which has the half of both.
      replayCapacity: 6_000_000,
      poolCapacity: 400_000,
      enrolmentSeed: toHex(this.#kit.secret('bench relay')),
    };
  }

  /** Publishes the directory. @returns the indices of the relays of the next layer */
  publish(tested: SignedDescriptor): number[] {
    const kit = this.#kit;
    const validity = directoryValidity(kit.parameters, 0);
    const others = ['previous 1', 'previous 2', 'beside', 'next 1', 'next 2'].map((name) => {
      const identity = kit.signingKey(name);
      const descriptor = {
        region: kit.region,
        epoch: 0,
        operator: name.replace(' ', '-'),
        layer: { p: 1, b: 2, n: 3 }[name[0] as 'p' | 'b' | 'n'],
        address: addressOf(name),
        identity: identity.publicKey,
        linkPin: benchLinkKey(name).pin,
        onionKey: sodiumCrypto.x25519PublicKey(kit.secret(`${name} onion`)),
        ...validity,
      };
      return signDescriptor(sodiumCrypto, descriptor, identity);
    });
    const directory = {
      region: kit.region,
      epoch: 0,
      layers: LAYERS,
      ...validity,
      controlCenter: {
        address: `127.0.0.1:${this.#linkPort}`,
        linkPin: benchLinkKey('control center').pin,
        onionKey: sodiumCrypto.x25519PublicKey(kit.secret('control center onion')),
      },
      linkAuthority: benchLinkKey('link authority').publicKey,
      relays: sortDescriptors([tested, ...others]),
    };
    const signed = signDirectory(sodiumCrypto, directory, kit.controlCenter);
    this.#files.set(`/bulletin/${kit.region}/directory/0.json`, encodeSignedDirectory(signed));
    return relaysOfLayer(directory, LAYERS);
  }

  async stop(): Promise<void> {
    for (const close of this.#closers) {
      await close();
    }
  }

  async #listen(): Promise<void> {
    const validity = { validFromSeconds: 0, validUntilSeconds: 4_000_000_000 };
    const identity = await selfIssuedIdentity(benchLinkKey('control center'), validity);
    const key = identity.key.privateKey.export({ format: 'pem', type: 'pkcs8' });
    const server = createServer({ key, cert: identity.certificate }, ({ url }, response) => {
      const file = this.#files.get(url ?? '');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#httpsPort = (server.address() as AddressInfo).port;
    const links = await listenLinks({
      identity,
      host: '127.0.0.1',
      port: 0,
      timers: new Timers({ clock: new SystemClock(), log: createLog('region', 'warn') }),
      admit: () => true,
      onFrame: (_link, type, body) => {
        if (type !== FRAME.descriptor) {
          return;
        }
        const signed = decodeSignedDescriptor(body);
        if (signed.descriptor.epoch === 0) {
          this.#describe(signed);
        }
      },
    });
    this.#linkPort = links.port;
    this.#closers.push(
      () => links.close(),
      () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      },
    );
  }
}

function addressOf(name: string): string {
  return `${name.replace(' ', '-')}.bench.invalid:7000`;
}
