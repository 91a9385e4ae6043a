// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SystemClock } from '../client-apps/common/clock.js';
import { FRAME } from '../client-apps/common/links/frames.js';
import { selfIssuedIdentity } from '../client-apps/common/links/link-identity.js';
import { listenLinks } from '../client-apps/common/links/listen.js';
import { toHex } from '../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../protocol/crypto/sodium.js';
import { encodeParametersFile } from '../protocol/ledger/bulletin.js';
import { fingerprint } from '../protocol/ledger/parameters.js';
import { directoryValidity, relaysOfLayer, sortDescriptors } from '../protocol/onion/directory.js';
import {
  decodeSignedDescriptor,
  encodeSignedDirectory,
  signDescriptor,
  signDirectory,
  type SignedDescriptor,
} from '../protocol/onion/directory-format.js';
import { RegionKit } from '../test/region-kit.js';
import {
  benchLinkKey,
  type LoadAnswer,
  type LoadResult,
  type RelayAnswer,
  type RelaySample,
} from './relay-messages.js';

/** What a run sends. */
export interface RelayBenchOptions {
  /** Packets of the run at full rate; a third of them warm the relay up. */
  readonly packets?: number;
  /** Rate of the run that measures latency: half of the rate a relay is built for. */
  readonly pacedPacketsPerSecond?: number;
}

/** The layer of the relay under test: relays send to it, and it sends to relays. */
const LAYERS = 3;
const TESTED = { layer: 2, address: 'relay.bench.invalid:7000' };
/** Short, so that a run ends soon after its last packet; what a relay does is the same for every delay. */
const DELAYS = { meanDelayMilliseconds: 500, maximumDelayMeans: 5 };
const INTERVAL_SECONDS = 60;
/** The relay looks for its directory once a slot. */
const SLOT_SECONDS = 5;
const EPOCH_SECONDS = 7_200;

/** A child process whose answers are waited for one after the other. */
class Worker<Answer extends { readonly kind: string }> {
  private readonly process: ChildProcess;
  private readonly answers: Answer[] = [];
  private wake: () => void = () => undefined;

  /** @param core the processor to stay on, or undefined when they cannot be told apart here */
  constructor(file: string, core: number | undefined) {
    const script = [process.execPath, fileURLToPath(new URL(file, import.meta.url))];
    const [command, ...args] = core === undefined ? script : ['taskset', '-c', String(core), ...script];
    this.process = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.process.on('message', (message) => {
      this.answers.push(message as Answer);
      this.wake();
    });
    this.process.once('exit', () => this.wake());
  }

  send(request: object): void {
    this.process.send(request);
  }

  /** The next answer of this kind. */
  async next<Kind extends Answer['kind']>(kind: Kind): Promise<Answer & { readonly kind: Kind }> {
    for (;;) {
      const index = this.answers.findIndex((answer) => answer.kind === kind);
      if (index >= 0) return this.answers.splice(index, 1)[0] as Answer & { readonly kind: Kind };
      if (this.process.exitCode !== null) throw new Error(`${this.process.spawnfile} ended while ${kind} was awaited`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill();
    await ended;
  }
}

/**
 * One relay process on one core: packets made before the timed window come over a real link, and go on over two.
 *
 * @throws Error when a packet is dropped or does not arrive
 */
export async function benchRelay(options: RelayBenchOptions = {}): Promise<Record<string, number>> {
  const packets = options.packets ?? 240_000;
  const pacedRate = options.pacedPacketsPerSecond ?? 10_000;
  const pacedPackets = 5 * pacedRate;
  const [relayCore, loadCore] = coresApart() ? [0, 1] : [undefined, undefined];
  const directory = await mkdtemp(join(tmpdir(), 'gridveil-bench-relay-'));
  const load = new Worker<LoadAnswer>('relay-load.js', loadCore);
  const relay = new Worker<RelayAnswer>('relay-process.js', relayCore);
  const region = await BenchRegion.start();
  try {
    const { ports } = await load.next('listening');
    relay.send({ kind: 'start', config: region.relayConfig(directory, ports) });
    const { port, peelMicroseconds } = await relay.next('ready');
    const descriptor = await region.describedRelay;
    const next = region.publish(descriptor);
    await relay.next('directory');
    const pin = toHex(descriptor.descriptor.linkPin);
    const onionKey = toHex(descriptor.descriptor.onionKey);
    load.send({
      kind: 'prepare',
      relay: { address: `127.0.0.1:${port}`, pin, onionKey },
      next,
      delays: DELAYS,
      packets: packets + pacedPackets,
    });
    await load.next('prepared');

    const run = async (count: number, packetsPerSecond?: number): Promise<LoadResult> => {
      load.send({ kind: 'send', packets: count, packetsPerSecond });
      return checked(await load.next('result'));
    };
    await run(Math.floor(packets / 3));
    const full = await measured(relay, () => run(packets - Math.floor(packets / 3)));
    const paced = await measured(relay, () => run(pacedPackets, pacedRate));
    relay.send({ kind: 'stop' });
    await relay.next('stopped');
    return {
      packetsPerSecond: Math.round(full.packetsPerSecond),
      cpuMicrosecondsPerPacket: round(full.cpuMicrosecondsPerPacket),
      bareCryptographyMicrosecondsPerPacket: round(peelMicroseconds),
      bareCryptographyPacketsPerSecond: Math.round(1e6 / peelMicroseconds),
      pacedPacketsPerSecond: pacedRate,
      pacedCpuMicrosecondsPerPacket: round(paced.cpuMicrosecondsPerPacket),
      addedLatencyP99Milliseconds: round(paced.result.addedLatencyP99Milliseconds),
    };
  } finally {
    await Promise.all([load.end(), relay.end()]);
    await region.stop();
    await rm(directory, { recursive: true });
  }
}

interface Measured {
  readonly result: LoadResult;
  readonly packetsPerSecond: number;
  readonly cpuMicrosecondsPerPacket: number;
}

/** Windows in which the rate is taken; the best counts, for other work on the machine only ever slows one down. */
const WINDOW_MILLISECONDS = 1_000;

/** Watches the relay from outside while it works. */
async function measured(relay: Worker<RelayAnswer>, run: () => Promise<LoadResult>): Promise<Measured> {
  const sample = async (): Promise<RelaySample & { readonly atMilliseconds: number }> => {
    relay.send({ kind: 'sample' });
    return { ...(await relay.next('sample')), atMilliseconds: performance.now() };
  };
  const before = await sample();
  let done = false;
  const running = run().finally(() => (done = true));
  let packetsPerSecond = 0;
  for (let last = before; !done;) {
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MILLISECONDS));
    const now = await sample();
    const rate = (1_000 * (now.received - last.received)) / (now.atMilliseconds - last.atMilliseconds);
    packetsPerSecond = Math.max(packetsPerSecond, rate);
    last = now;
  }
  const result = await running;
  const after = await sample();
  if (after.dropped > 0) throw new Error(`the relay dropped ${after.dropped} packets`);
  const cpuMicrosecondsPerPacket = (after.cpuMicroseconds - before.cpuMicroseconds) / result.sent;
  return { result, packetsPerSecond, cpuMicrosecondsPerPacket };
}

/** A region with one real relay, in the middle; the relays around it are the load's. */
class BenchRegion {
  private readonly kit: RegionKit;
  private readonly files = new Map<string, Uint8Array>();
  private readonly closers: (() => Promise<unknown>)[] = [];
  /** The relay's own descriptor, when it has come. */
  readonly describedRelay: Promise<SignedDescriptor>;
  private describe!: (descriptor: SignedDescriptor) => void;
  private httpsPort = 0;
  private linkPort = 0;

  private constructor() {
    const nowSeconds = new SystemClock().nowMilliseconds() / 1_000;
    const originSeconds = INTERVAL_SECONDS * (Math.floor(nowSeconds / INTERVAL_SECONDS) - 10);
    this.kit = new RegionKit({
      parameters: {
        effectiveFromSeconds: originSeconds,
        epochOriginSeconds: originSeconds,
        epochSeconds: EPOCH_SECONDS,
        intervalSeconds: INTERVAL_SECONDS,
        slotSeconds: SLOT_SECONDS,
        onion: { layers: LAYERS, ...DELAYS, offsetWindowSeconds: SLOT_SECONDS },
      },
    });
    this.files.set('/parameters.json', encodeParametersFile([this.kit.signedParameters]));
    this.describedRelay = new Promise((resolve) => (this.describe = resolve));
  }

  static async start(): Promise<BenchRegion> {
    const region = new BenchRegion();
    await region.listen();
    return region;
  }

  relayConfig(directory: string, nextPorts: readonly number[]): object {
    return {
      directory,
      region: this.kit.region,
      operator: 'tested',
      layer: TESTED.layer,
      links: { host: '127.0.0.1', port: 0, address: TESTED.address },
      controlCenter: {
        url: `https://127.0.0.1:${this.httpsPort}`,
        pin: toHex(benchLinkKey('control center').pin),
        linkAddress: `127.0.0.1:${this.linkPort}`,
      },
      trustAnchor: fingerprint(sodiumCrypto, this.kit.controlCenter.publicKey),
      addressOverrides: Object.fromEntries(
        nextPorts.map((port, index) => [addressOf(`next ${index + 1}`), `127.0.0.1:${port}`]),
      ),
      enrolmentSeed: toHex(this.kit.secret('bench relay')),
    };
  }

  /** Publishes the directory. @returns the indices of the relays of the next layer */
  publish(tested: SignedDescriptor): number[] {
    const { kit } = this;
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
        address: `127.0.0.1:${this.linkPort}`,
        linkPin: benchLinkKey('control center').pin,
        onionKey: sodiumCrypto.x25519PublicKey(kit.secret('control center onion')),
      },
      linkAuthority: benchLinkKey('link authority').publicKey,
      relays: sortDescriptors([tested, ...others]),
    };
    const signed = signDirectory(sodiumCrypto, directory, kit.controlCenter);
    this.files.set(`/bulletin/${kit.region}/directory/0.json`, encodeSignedDirectory(signed));
    return relaysOfLayer(directory, LAYERS);
  }

  async stop(): Promise<void> {
    for (const close of this.closers) await close();
  }

  private async listen(): Promise<void> {
    const validity = { validFromSeconds: 0, validUntilSeconds: 4_000_000_000 };
    const identity = await selfIssuedIdentity(benchLinkKey('control center'), validity);
    const key = identity.key.privateKey.export({ format: 'pem', type: 'pkcs8' });
    const server = createServer({ key, cert: identity.certificate }, ({ url }, response) => {
      const file = this.files.get(url ?? '');
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.httpsPort = (server.address() as AddressInfo).port;
    const links = await listenLinks({
      identity,
      host: '127.0.0.1',
      port: 0,
      clock: new SystemClock(),
      admit: () => true,
      onFrame: (_link, type, body) => {
        if (type !== FRAME.descriptor) return;
        const signed = decodeSignedDescriptor(body);
        if (signed.descriptor.epoch === 0) this.describe(signed);
      },
    });
    this.linkPort = links.port;
    this.closers.push(
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

/** Whether processes can be kept on processors of their own. */
function coresApart(): boolean {
  return availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0;
}

function checked(result: LoadResult): LoadResult {
  if (result.arrived !== result.sent)
    throw new Error(`${result.sent - result.arrived} of ${result.sent} packets did not arrive`);
  return result;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.table(await benchRelay());
