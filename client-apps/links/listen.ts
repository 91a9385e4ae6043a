// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { toHex } from '../../protocol/crypto/bytes.js';
import { Counts } from '../runtime/counts.js';
import { ClientError } from '../runtime/errors.js';
import { connectionName, listening } from '../runtime/listening.js';
import type { Timers } from '../runtime/timers.js';
import { FrameQueue } from './frames.js';
import {
  attachSocket,
  LINK_TLS_OPTIONS,
  peerOf,
  type AttachedSocket,
  type FrameHandler,
  type Link,
  type LinkEnd,
  type LinkPeer,
} from './link.js';
import type { LinkIdentity } from './link-identity.js';

/** A link that a peer opened, and what it was admitted as. */
export interface AcceptedLink<Role> extends Link {
  readonly role: Role;
  /** Closes the link at once: the peer sent a frame that its role must not send. Counted as `bad-frame`. */
  cut(): void;
  /** Reads the link no further for a moment: the peer is over its share. */
  slow(): void;
  /** Closes all links of the peer at once, and takes none of it for a time. Ends as `over-share`. */
  refuse(): void;
}

export interface ListenOptions<Role> {
  readonly identity: LinkIdentity;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** A handler that fails ends its link, and nothing else. */
  readonly timers: Timers;
  /** Returns the role that the peer may link as; undefined refuses it, without an answer. */
  readonly admit: (peer: LinkPeer) => Role | undefined;
  readonly onFrame: FrameHandler<AcceptedLink<Role>>;
  /** A link ended, or was refused before there was one. */
  readonly onEnd?: (link: AcceptedLink<Role> | undefined, reason: LinkEnd) => void;
  /** Links at once; a peer beyond them is refused. */
  readonly maximumLinks?: number;
  /** Connections in the middle of their handshake, see {@link Handshakes}. */
  readonly maximumHandshakes?: number;
}

export interface LinkListener<Role> {
  readonly port: number;
  /** Links that are open now. */
  readonly links: ReadonlySet<AcceptedLink<Role>>;
  /** Calls `admit` again for every link and closes those that it refuses or gives another role. */
  recheck(): void;
  /** Stops accepting links, writes all queues, and ends all links. */
  close(): Promise<void>;
}

/** Twice the largest region: every meter and every hub at one relay. */
const MAXIMUM_LINKS = 10_000;

/** Links of one peer: one and, after a failure of the network, those that are not known to be dead yet. */
const MAXIMUM_LINKS_OF_PEER = 4;

/**
 * Connections in the middle of their handshake. Beyond them the oldest of the address with the most is closed: a peer that
 * opens connections and stays silent displaces its own, and an honest handshake takes less than a second.
 */
const MAXIMUM_HANDSHAKES = 2_048;

/** Time for which a peer that sent far more than its share is refused, real milliseconds. */
const REFUSED_MILLISECONDS = 60_000;

/** For the TLS handshake, real milliseconds: a slow meter needs under one second, a slow-loris gets no more than this. */
export const HANDSHAKE_MILLISECONDS = 5_000;

/** TCP keep-alive, which detects vanished peers, so that they do not occupy places until a restart. */
const KEEP_ALIVE_MILLISECONDS = 30_000;

/** The server's own sessions are of no use: a resumed one would not prove the peer's key again. */
const NO_SESSIONS = constants.SSL_OP_NO_TICKET;

/**
 * Takes links over mutual TLS 1.3.
 *
 * @throws ClientError LINK_REFUSED when it cannot listen there
 */
export async function listenLinks<Role>(options: ListenOptions<Role>): Promise<LinkListener<Role>> {
  const links = new Map<AcceptedLink<Role>, { peer: LinkPeer; socket: TLSSocket; attached: AttachedSocket }>();
  const open = new Set<AcceptedLink<Role>>();
  const server = createServer({
    ...LINK_TLS_OPTIONS,
    key: options.identity.key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    cert: options.identity.certificate,
    requestCert: true,
    handshakeTimeout: HANDSHAKE_MILLISECONDS,
    secureOptions: NO_SESSIONS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MILLISECONDS,
  });
  const maximumLinks = options.maximumLinks ?? MAXIMUM_LINKS;
  const maximumHandshakes = options.maximumHandshakes ?? MAXIMUM_HANDSHAKES;
  server.maxConnections = maximumLinks + maximumHandshakes + 1;
  /** All connections, those in the middle of their handshake too. */
  const connections = new Set<Socket>();
  const handshakes = new Handshakes(maximumHandshakes);
  /** Links of each peer, the oldest first, by its pin in hex. */
  const linksOf = new Map<string, AcceptedLink<Role>[]>();
  /** When refused peers are taken again, by `performance.now`. Only admitted peers come here. */
  const refusedUntil = new Map<string, number>();
  let closing = false;
  const { timers } = options;
  timers.on('link accepted', [server, 'connection'], (socket: Socket) => {
    connections.add(socket);
    handshakes.begin(socket);
    socket.once('close', () => connections.delete(socket));
  });
  const isRefused = (name: string): boolean => {
    const until = refusedUntil.get(name);
    if (until !== undefined && performance.now() >= until) {
      refusedUntil.delete(name);
    }
    return refusedUntil.has(name);
  };

  const admit = (socket: TLSSocket): void => {
    handshakes.end(socket);
    const peer = peerOf(socket);
    const name = peer === undefined ? '' : toHex(peer.pin);
    const isTaken = peer !== undefined && !closing && links.size < maximumLinks && !isRefused(name);
    const role = isTaken ? options.admit(peer) : undefined;
    if (peer === undefined || role === undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      options.onEnd?.(undefined, 'refused');
      return;
    }
    const queue = new FrameQueue(timers.clock);
    const link: AcceptedLink<Role> = {
      pin: peer.pin,
      role,
      send(type, body) {
        const queued = open.has(link) && queue.push(type, body);
        if (queued) {
          attached.wake();
        }
        return queued;
      },
      close: () => attached.end(),
      cut: () => attached.cut('bad-frame'),
      slow: () => attached.slow(),
      refuse() {
        refusedUntil.set(name, performance.now() + REFUSED_MILLISECONDS);
        for (const one of linksOf.get(name) ?? []) {
          links.get(one)?.attached.cut('over-share');
        }
      },
    };
    const attached = attachSocket(socket, {
      ...{ queue, timers },
      onFrame: (type, body) => options.onFrame(link, type, body),
      onEnd: (reason) => {
        queue.clear();
        open.delete(link);
        links.delete(link);
        const others = linksOf.get(name)?.filter((one) => one !== link) ?? [];
        if (others.length === 0) {
          linksOf.delete(name);
        } else {
          linksOf.set(name, others);
        }
        void timers.run('link ended', () => options.onEnd?.(link, reason));
      },
    });
    open.add(link);
    links.set(link, { peer, socket, attached });
    const ofPeer = [...(linksOf.get(name) ?? []), link];
    linksOf.set(name, ofPeer);
    if (ofPeer.length > MAXIMUM_LINKS_OF_PEER) {
      links.get(ofPeer[0]!)?.attached.cut('closed');
    }
  };
  timers.on('link admitted', [server, 'secureConnection'], admit, (socket) => socket.destroy());
  // A handshake that fails (no TLS 1.3, garbage, too slow) never becomes a link.
  timers.on('handshake failed', [server, 'tlsClientError'], (_error: Error, socket: TLSSocket) => {
    socket.destroy();
    options.onEnd?.(undefined, 'refused');
  });

  await listening(timers, server, options).catch((cause: unknown) => {
    const { message } = cause as Error;
    throw new ClientError('LINK_REFUSED', `cannot listen on ${options.host}:${options.port}: ${message}`, { cause });
  });

  return {
    port: (server.address() as AddressInfo).port,
    links: open,
    recheck() {
      for (const [link, { peer, socket }] of links) {
        if (options.admit(peer) !== link.role) {
          socket.destroy();
        }
      }
    },
    async close() {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...open].map((link) => link.close()));
      for (const socket of connections) {
        socket.destroy();
      }
      await closed;
    },
  };
}

/** Connections in the middle of their handshake, the oldest first. */
export class Handshakes {
  readonly #sockets = new Map<string, Socket>();
  readonly #ofAddress = new Counts<string>();
  readonly #maximum: number;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  begin(socket: Socket): void {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) {
      // The peer has reset it already.
      socket.destroy();
      return;
    }
    const name = connectionName(socket);
    // Where the name is known, the peer has reset that connection and used its port again before it was closed here.
    this.#remove(name, remoteAddress);
    this.#sockets.set(name, socket);
    this.#ofAddress.add(remoteAddress);
    socket.once('close', () => {
      if (this.#sockets.get(name) === socket) {
        this.#remove(name, remoteAddress);
      }
    });
    if (this.#sockets.size > this.#maximum) {
      const most = Math.max(...this.#ofAddress.all.values());
      const oldest = [...this.#sockets.values()].find((one) => this.#ofAddress.of(one.remoteAddress ?? '') === most);
      oldest?.destroy();
    }
  }

  /** The handshake on a connection is done. */
  end(socket: TLSSocket): void {
    this.#remove(connectionName(socket), socket.remoteAddress ?? '');
  }

  #remove(name: string, address: string): void {
    if (this.#sockets.delete(name)) {
      this.#ofAddress.remove(address);
    }
  }
}
