// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { PacketRoute } from '../../protocol/onion/packet.js';
import { SteppedClock, type Clock } from '../runtime/clock.js';
import { ClientError } from '../runtime/errors.js';
import type { PartyContext } from '../runtime/party.js';

/** First line of a trace: which relay it is of, and how packets are held and sent in this run. */
export interface TraceHeader {
  readonly format: 'gridveil-unsafe-relay-trace-1';
  readonly region: string;
  /** First bytes of the relay's pin, as links name it. */
  readonly relay: string;
  readonly layer: number;
  readonly layers: number;
  readonly slotSeconds: number;
  readonly offsetWindowSeconds: number;
  readonly meanDelayMilliseconds: number;
  readonly maximumDelayMeans: number;
}

/** One end of a packet's way through a relay. */
export interface TraceEnd {
  /** First bytes of the peer's pin; the mailbox's id where the packet goes into one. */
  readonly link: string;
  /** Unix milliseconds of the relay's clock. */
  readonly at: number;
  /** First bytes of the packet's SHA-256: the same where it leaves one relay and comes to the next. */
  readonly packet: string;
}

/** Every further line: a packet that was passed on. */
export interface TraceRecord {
  readonly in: TraceEnd;
  readonly out: TraceEnd & { readonly to: PacketRoute['to'] };
}

/** Bytes of pins and digests in a trace: enough to tell them apart. */
const NAME_LENGTH = 8;
const BUFFER_LENGTH = 1 << 16;

/**
 * Returns the context for a traced relay, whose reports all declare the trace.
 *
 * @throws ClientError UNSAFE_TRACE where time is real
 */
export function tracedContext(context: PartyContext): PartyContext {
  const { clock, report } = context;
  if (!(clock instanceof SteppedClock)) {
    throw new ClientError('UNSAFE_TRACE', 'packets are traced on simulated time only, never in a production run');
  }
  return {
    ...context,
    report: (name, data) => report(name, { ...data, unsafeTrace: true }),
  };
}

/** Name of a pin or of a packet's digest in a trace. */
export function traceName(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, NAME_LENGTH));
}

/**
 * Records which packet became which: everything that a relay hides. Only for measuring a run on simulated time, never
 * for a relay in production.
 */
export class UnsafeTrace {
  readonly #path: string;
  /** By the name of the peeled packet. Dropped packets are never removed: runs on simulated time are short. */
  readonly #arrivals = new Map<string, TraceEnd>();
  #lines: string;

  readonly #clock: Clock;

  /** @param directory where the trace goes, in a file of the relay's name; a run that is taken up again appends to it */
  constructor(directory: string, clock: Clock, header: Omit<TraceHeader, 'format'>) {
    this.#clock = clock;

    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, `${header.relay}.jsonl`);
    this.#lines = `${JSON.stringify({ format: 'gridveil-unsafe-relay-trace-1', ...header } satisfies TraceHeader)}\n`;
  }

  arrived(peeled: Uint8Array, from: Uint8Array, packet: Uint8Array): void {
    this.#arrivals.set(nameOf(peeled), this.#end(from, nameOf(packet)));
  }

  /** @param to pin of the next relay or of the control center, or the mailbox's id */
  left(peeled: Uint8Array, route: PacketRoute['to'], to: Uint8Array): void {
    const packet = nameOf(peeled);
    const arrival = this.#arrivals.get(packet);
    // Held since before a restart: where it came from is forgotten.
    if (arrival === undefined) {
      return;
    }
    this.#arrivals.delete(packet);
    const record: TraceRecord = { in: arrival, out: { to: route, ...this.#end(to, packet) } };
    this.#lines += `${JSON.stringify(record)}\n`;
    if (this.#lines.length >= BUFFER_LENGTH) {
      this.close();
    }
  }

  /** Writes what is buffered. */
  close(): void {
    appendFileSync(this.#path, this.#lines, { mode: 0o600 });
    this.#lines = '';
  }

  #end(link: Uint8Array, packet: string): TraceEnd {
    return { link: traceName(link), at: this.#clock.nowMilliseconds(), packet };
  }
}

function nameOf(packet: Uint8Array): string {
  return traceName(sodiumCrypto.sha256(packet));
}
