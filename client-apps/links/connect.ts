// SPDX-License-Identifier: Apache-2.0
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { equalBytes, toHex } from '../../protocol/crypto/bytes.js';
import { drawIndex } from '../../protocol/onion/path.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { Backoff } from '../runtime/backoff.js';
import type { CancelTimer, Timers } from '../runtime/timers.js';
import { FrameQueue, type FrameType } from './frames.js';
import {
  attachSocket,
  LINK_TLS_OPTIONS,
  peerOf,
  type AttachedSocket,
  type FrameHandler,
  type Link,
  type LinkEnd,
} from './link.js';
import type { LinkIdentity } from './link-identity.js';

/** Options shared by all outgoing links of a party. */
export interface ConnectOptions {
  readonly identity: LinkIdentity;
  readonly timers: Timers;
  readonly random: RandomSource;
  /** Maps addresses of the directory to real ones: `host:port` → `host:port`. */
  readonly addressOverrides?: Readonly<Record<string, string>>;
  readonly onFrame?: FrameHandler;
  /** The link is up, also after each reconnection: time to identify the party to the peer. */
  readonly onUp?: (link: Link) => void;
  /** The link went down, or could not be made; another attempt follows unless it was closed. */
  readonly onDown?: (link: Link, reason: LinkEnd) => void;
  /** Frames were dropped because the peer was unreachable for too long. */
  readonly onLost?: (frames: number) => void;
}

/** Peer of an outgoing link, as a directory names it. */
export interface LinkTarget {
  /** `host:port`. */
  readonly address: string;
  /** SHA-256 of the SubjectPublicKeyInfo of its link key. */
  readonly pin: Uint8Array;
}

const PAUSES = { firstPauseMilliseconds: 100, longestPauseMilliseconds: 10_000 };

/** Timeout of connection and handshake, real milliseconds. */
const CONNECT_MILLISECONDS = 5_000;

/**
 * Time after which a link counts as established. Not sooner: in TLS 1.3 a client learns of a refusal only after its own
 * handshake is done.
 */
const SETTLED_MILLISECONDS = 1_000;

/**
 * Failed attempts in a row after which queued frames are dropped (about two seconds): the next sealed index makes the
 * meters send their energy again, so holding packets for a relay that is down gains nothing.
 */
const PATIENT_ATTEMPTS = 5;

const KEEP_ALIVE_MILLISECONDS = 30_000;

const MAXIMUM_PORT = 65_535;

/**
 * A self-healing link: connects at once, and again after every loss, with a bounded, random wait. The waits are real
 * time, because they concern the machine and not the protocol.
 */
export class OutgoingLink implements Link {
  readonly pin: Uint8Array;
  readonly #queue: FrameQueue;
  #socket: TLSSocket | undefined;
  #attached: AttachedSocket | undefined;
  #cancelRetry: CancelTimer | undefined;
  readonly #backoff: Backoff;
  /** Time of the last connection, by `performance.now`. */
  #madeAt = Infinity;
  #failures = 0;
  #closed = false;

  readonly #options: ConnectOptions;
  readonly #context: SecureContext;

  constructor(
    readonly target: LinkTarget,
    options: ConnectOptions,
    context: SecureContext = clientContext(options.identity),
  ) {
    this.#options = options;
    this.#context = context;

    this.pin = target.pin;
    this.#queue = new FrameQueue(options.timers.clock);
    this.#backoff = new Backoff(PAUSES, (below) => drawIndex(below, options.random));
    void options.timers.run(
      'link',
      () => this.#connect(),
      () => this.#down('closed'),
    );
  }

  get isUp(): boolean {
    return this.#attached !== undefined;
  }

  send(type: FrameType, body: Uint8Array): boolean {
    const queued = !this.#closed && this.#queue.push(type, body);
    if (queued) {
      this.#attached?.wake();
    }
    return queued;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    if (this.#attached !== undefined) {
      await this.#attached.end();
    } else {
      this.#socket?.destroy();
    }
    this.#giveUp();
  }

  #connect(): void {
    const { host, port } = resolveAddress(this.target.address, this.#options.addressOverrides);
    if (!(port > 0 && port <= MAXIMUM_PORT)) {
      // `connect` would throw. A checked directory holds no such port; should one come all the same, this link is down.
      this.#cancelRetry = this.#options.timers.after('link', 0, () => this.#down('closed'));
      return;
    }
    const socket = connect({
      ...LINK_TLS_OPTIONS,
      secureContext: this.#context,
      host,
      port,
      // No SNI: names of the directory are not secret, but an observer needs to learn no more than the address.
      servername: '',
    });
    this.#socket = socket;
    // Not the socket's own timeout: a peer that sends a byte now and then would never reach that.
    const cancelLate = this.#options.timers.after('link', CONNECT_MILLISECONDS, () => void socket.destroy());
    const failed = (): void => this.#down('closed');
    socket.on('error', () => undefined);
    socket.once('close', failed);
    socket.once('close', cancelLate);
    const connected = (): void => {
      cancelLate();
      const peer = peerOf(socket);
      if (peer === undefined || !equalBytes(peer.pin, this.pin)) {
        socket.removeListener('close', failed);
        socket.once('close', () => this.#down('refused'));
        socket.destroy();
        return;
      }
      socket.removeListener('close', failed);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS);
      this.#madeAt = performance.now();
      const { timers, onFrame, onUp } = this.#options;
      this.#attached = attachSocket(socket, {
        ...{ queue: this.#queue, timers },
        onFrame: (type, body) => onFrame?.(this, type, body),
        onEnd: (reason) => this.#down(reason),
      });
      void timers.run(
        'link up',
        () => onUp?.(this),
        () => socket.destroy(),
      );
    };
    this.#options.timers.on('link made', socket, 'secureConnect', connected, () => socket.destroy());
  }

  #down(reason: LinkEnd): void {
    this.#attached = undefined;
    this.#socket = undefined;
    if (performance.now() - this.#madeAt >= SETTLED_MILLISECONDS) {
      this.#failures = 0;
      this.#backoff.reset();
    }
    this.#madeAt = Infinity;
    this.#failures++;
    this.#options.onDown?.(this, reason);
    if (this.#closed) {
      return;
    }
    if (this.#failures >= PATIENT_ATTEMPTS) {
      this.#giveUp();
    }
    this.#cancelRetry = this.#options.timers.after(
      'link',
      this.#backoff.next(),
      () => this.#connect(),
      () => this.#down('closed'),
    );
  }

  #giveUp(): void {
    const lost = this.#queue.clear();
    if (lost > 0) {
      this.#options.onLost?.(lost);
    }
  }
}

/** Links to an address once, and closes the link: true when the holder of the target's key answers there. */
export async function holdsKey(target: LinkTarget, options: ConnectOptions): Promise<boolean> {
  let link: OutgoingLink | undefined;
  const holds = await new Promise<boolean>((resolve) => {
    link = new OutgoingLink(target, { ...options, onUp: () => resolve(true), onDown: () => resolve(false) });
  });
  await link?.close();
  return holds;
}

/** The outgoing links of a party, one per peer. */
export class LinkPool {
  readonly #links = new Map<string, OutgoingLink>();
  /** The same links by the objects that named them: a relay asks for one with every packet. */
  #byTarget = new WeakMap<LinkTarget, OutgoingLink>();
  readonly #context: SecureContext;

  readonly #options: ConnectOptions;

  constructor(options: ConnectOptions) {
    this.#options = options;

    this.#context = clientContext(options.identity);
  }

  /** The link to this peer; made when there is none yet. */
  link(target: LinkTarget): OutgoingLink {
    const known = this.#byTarget.get(target);
    if (known !== undefined) {
      return known;
    }
    const key = keyOf(target);
    const link = this.#links.get(key) ?? new OutgoingLink(target, this.#options, this.#context);
    this.#links.set(key, link);
    this.#byTarget.set(target, link);
    return link;
  }

  /** Opens links to all these peers and closes those to others, such as when a new directory comes into force. */
  retain(targets: readonly LinkTarget[]): void {
    const keep = new Set(targets.map(keyOf));
    this.#byTarget = new WeakMap();
    for (const [key, link] of this.#links) {
      if (keep.has(key)) {
        continue;
      }
      this.#links.delete(key);
      void link.close();
    }
    for (const target of targets) {
      this.link(target);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    this.#links.clear();
  }
}

/** Splits `host:port`, after looking it up in the overrides. IPv6 addresses are in brackets. */
export function resolveAddress(
  address: string,
  overrides: Readonly<Record<string, string>> = {},
): { host: string; port: number } {
  const actual = Object.hasOwn(overrides, address) ? overrides[address]! : address;
  const colon = actual.lastIndexOf(':');
  return { host: actual.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(actual.slice(colon + 1)) };
}

function keyOf(target: LinkTarget): string {
  return `${target.address} ${toHex(target.pin)}`;
}

function clientContext(identity: LinkIdentity): SecureContext {
  return createSecureContext({
    key: identity.key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    cert: identity.certificate,
    minVersion: LINK_TLS_OPTIONS.minVersion,
    maxVersion: LINK_TLS_OPTIONS.maxVersion,
    ciphers: LINK_TLS_OPTIONS.ciphers,
    ecdhCurve: LINK_TLS_OPTIONS.ecdhCurve,
  });
}
