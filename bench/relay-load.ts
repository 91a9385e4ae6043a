// SPDX-License-Identifier: Apache-2.0
import { osRandom } from '../client-apps/runtime/random.js';
import { SystemClock } from '../client-apps/runtime/clock.js';
import { createLog } from '../client-apps/runtime/log.js';
import { Timers } from '../client-apps/runtime/timers.js';
import { OutgoingLink } from '../client-apps/links/connect.js';
import { FRAME } from '../client-apps/links/frames.js';
import { selfIssuedIdentity } from '../client-apps/links/link-identity.js';
import { listenLinks } from '../client-apps/links/listen.js';
import { readUint32, writeUint32 } from '../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../protocol/crypto/sodium.js';
import { hpkeSeal } from '../protocol/crypto/hpke.js';
import { PACKET_VERSION, plaintextLength } from '../protocol/onion/geometry.js';
import { drawDelay } from '../protocol/onion/path.js';
import { benchLinkKey, LAYERS_LEFT, type LoadAnswer, type LoadRequest } from './relay-messages.js';

const TICK_MILLISECONDS = 2;
/** Number of packets made before yielding to the event loop. */
const TURN_PACKETS = 256;
/** Least number of packets of a second whose 99th percentile counts. */
const FULL_SECOND = 1_000;
/** Time without arrivals, after the last packet was due, after which missing packets count as lost. */
const PATIENCE_MILLISECONDS = 5_000;
const VALIDITY = { validFromSeconds: 0, validUntilSeconds: 4_000_000_000 };

const random = osRandom();
const clock = new SystemClock();

/** A packet for the relay under test and when it must leave there, relative to its sending. */
interface Prepared {
  readonly packet: Uint8Array;
  readonly delayMilliseconds: number;
}

/** Stand-in for the relays of the next layer: counts packets and records times. */
class Sinks {
  arrived = 0;
  /** Arrival of the last packet. */
  lastMilliseconds = 0;
  /** Due time of each packet, by its number. */
  readonly due = new Float64Array(1 << 22);
  /** Lateness of packets, by the second of their arrival. */
  readonly late = new Map<number, number[]>();

  readonly onFrame = (_link: unknown, _type: unknown, body: Uint8Array): void => {
    const now = performance.now();
    const second = Math.floor(now / 1_000);
    let late = this.late.get(second);
    if (late === undefined) {
      this.late.set(second, (late = []));
    }
    late.push(now - this.due[readUint32(body, 0)]!);
    this.arrived++;
    this.lastMilliseconds = now;
  };

  /** 99th percentile of the best second with enough packets. */
  p99(atLeast: number): number {
    const seconds = [...this.late.values()].filter(({ length }) => length >= atLeast);
    return Math.min(...seconds.map((late) => late.sort((a, b) => a - b)[Math.floor(late.length * 0.99)]!));
  }
}

const timers = new Timers({ clock, log: createLog('load', 'warn') });
const sinks = new Sinks();
let link: OutgoingLink | undefined;
let prepared: Prepared[] = [];
let number = 0;

async function listen(): Promise<void> {
  const ports: number[] = [];
  for (const name of ['next 1', 'next 2']) {
    const identity = await selfIssuedIdentity(benchLinkKey(name), VALIDITY);
    const listener = await listenLinks({
      identity,
      host: '127.0.0.1',
      port: 0,
      timers,
      admit: () => true,
      onFrame: sinks.onFrame,
    });
    ports.push(listener.port);
  }
  answer({ kind: 'listening', ports });
}

/** Only the layer under test is real; what is inside is random bytes that begin with the packet's number. */
async function prepare(request: LoadRequest & { kind: 'prepare' }): Promise<void> {
  const onionKey = Buffer.from(request.relay.onionKey, 'hex');
  const info = new TextEncoder().encode('gridveil/v1/onion layer');
  const prefix = Uint8Array.of(PACKET_VERSION, 0, 0);
  const inside = random(plaintextLength(LAYERS_LEFT));
  prepared = [];
  for (let index = 0; index < request.packets; index++) {
    // The next hops must be listening early: the relay retries links rarely after a minute of failures.
    if (index % TURN_PACKETS === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const delayMilliseconds = drawDelay(request.delays, random);
    inside.fill(0, 0, 16);
    inside[2] = request.next[index % request.next.length]!;
    writeUint32(inside, 3, delayMilliseconds);
    writeUint32(inside, 16, index);
    const box = hpkeSeal(sodiumCrypto, {
      ephemeralSecretKey: random(32),
      recipientPublicKey: onionKey,
      info,
      aad: prefix,
      plaintext: inside,
    });
    prepared.push({ packet: Buffer.concat([prefix, box]), delayMilliseconds });
  }
  const { address, pin } = request.relay;
  const identity = await selfIssuedIdentity(benchLinkKey('previous 1'), VALIDITY);
  await new Promise<void>((resolve) => {
    const target = { address, pin: Buffer.from(pin, 'hex') };
    link = new OutgoingLink(target, {
      identity,
      timers,
      random,
      onUp: () => resolve(),
    });
  });
  answer({ kind: 'prepared' });
}

async function send(packets: number, packetsPerSecond: number): Promise<void> {
  const [first, end] = [number, number + packets];
  const arrivedBefore = sinks.arrived;
  sinks.late.clear();
  const start = performance.now();
  let lastDue = start;
  while (number < end) {
    const now = performance.now();
    const allowed = Math.min(end, first + Math.ceil(((now - start) * packetsPerSecond) / 1_000));
    for (; number < allowed; number++) {
      const { packet, delayMilliseconds } = prepared[number]!;
      sinks.due[number] = now + delayMilliseconds;
      // A full queue is the relay's back-pressure: the packet is offered again.
      if (!link!.send(FRAME.packet, packet)) {
        break;
      }
      lastDue = Math.max(lastDue, now + delayMilliseconds);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MILLISECONDS));
  }
  const isOver = (): boolean => performance.now() > Math.max(lastDue, sinks.lastMilliseconds) + PATIENCE_MILLISECONDS;
  while (sinks.arrived - arrivedBefore < packets && !isOver()) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MILLISECONDS));
  }
  answer({
    kind: 'result',
    sent: packets,
    arrived: sinks.arrived - arrivedBefore,
    addedLatencyP99Milliseconds: sinks.p99(FULL_SECOND),
  });
}

function answer(message: LoadAnswer): void {
  process.send?.(message);
}

process.on('message', (request: LoadRequest) => {
  void (request.kind === 'prepare' ? prepare(request) : send(request.packets, request.packetsPerSecond ?? Infinity));
});
process.once('disconnect', () => process.exit());
await listen();
