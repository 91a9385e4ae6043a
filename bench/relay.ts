// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { toHex } from '../protocol/crypto/bytes.js';
import type { LoadAnswer, LoadResult, RelayAnswer, RelaySample } from './relay-messages.js';
import { BenchRegion, DELAYS } from './relay-region.js';

/** Load of a run. */
export interface RelayBenchOptions {
  /** Packets of the run at full rate; a third of them warm the relay up. */
  readonly packets?: number;
  /** Rate of the run that measures latency: half of the rate a relay is built for. */
  readonly pacedPacketsPerSecond?: number;
}

/** A child process whose answers are awaited one after the other. */
class Worker<Answer extends { readonly kind: string }> {
  readonly #process: ChildProcess;
  readonly #answers: Answer[] = [];
  #wake: () => void = () => undefined;

  /** @param core the processor to stay on, or undefined when they cannot be told apart here */
  constructor(file: string, core: number | undefined) {
    const script = [process.execPath, fileURLToPath(new URL(file, import.meta.url))];
    const [command, ...args] = core === undefined ? script : ['taskset', '-c', String(core), ...script];
    this.#process = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process.on('message', (message) => {
      this.#answers.push(message as Answer);
      this.#wake();
    });
    this.#process.once('exit', () => this.#wake());
  }

  send(request: object): void {
    this.#process.send(request);
  }

  /** The next answer of this kind. */
  async next<Kind extends Answer['kind']>(kind: Kind): Promise<Answer & { readonly kind: Kind }> {
    for (;;) {
      const index = this.#answers.findIndex((answer) => answer.kind === kind);
      if (index >= 0) {
        return this.#answers.splice(index, 1)[0] as Answer & { readonly kind: Kind };
      }
      if (this.#process.exitCode !== null) {
        throw new Error(`${this.#process.spawnfile} ended while ${kind} was awaited`);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) {
      return;
    }
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
  }
}

/**
 * Measures one relay process on one core: packets prepared before the timed window arrive over one real link and leave
 * over two.
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

/** Length of a measuring window; the best window counts, because other work on the machine only slows it down. */
const WINDOW_MILLISECONDS = 1_000;

/** Samples the relay while it works. */
async function measured(relay: Worker<RelayAnswer>, run: () => Promise<LoadResult>): Promise<Measured> {
  const sample = async (): Promise<RelaySample & { readonly atMilliseconds: number }> => {
    relay.send({ kind: 'sample' });
    return { ...(await relay.next('sample')), atMilliseconds: performance.now() };
  };
  let last = await sample();
  const progress = { done: false };
  const running = run().finally(() => (progress.done = true));
  let packetsPerSecond = 0;
  let cpuMicrosecondsPerPacket = Infinity;
  while (!progress.done) {
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MILLISECONDS));
    const now = await sample();
    const [received, forwarded] = [now.received - last.received, now.forwarded - last.forwarded];
    packetsPerSecond = Math.max(packetsPerSecond, (1_000 * received) / (now.atMilliseconds - last.atMilliseconds));
    // Where as many leave as arrive, each packet of the window was received and forwarded once.
    if (Math.abs(received - forwarded) < received / 10) {
      const cpuMicroseconds = now.cpuMicroseconds - last.cpuMicroseconds;
      cpuMicrosecondsPerPacket = Math.min(cpuMicrosecondsPerPacket, (2 * cpuMicroseconds) / (received + forwarded));
    }
    last = now;
  }
  const result = await running;
  const { dropped } = await sample();
  if (dropped > 0) {
    throw new Error(`the relay dropped ${dropped} packets`);
  }
  return { result, packetsPerSecond, cpuMicrosecondsPerPacket };
}

/** Tells whether processes can be pinned to processors. */
function coresApart(): boolean {
  return availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0;
}

function checked(result: LoadResult): LoadResult {
  if (result.arrived !== result.sent) {
    throw new Error(`${result.sent - result.arrived} of ${result.sent} packets did not arrive`);
  }
  return result;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.table(await benchRelay());
}
