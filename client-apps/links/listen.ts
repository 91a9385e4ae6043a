// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Clock } from '../runtime/clock.js';
import { ClientError } from '../runtime/errors.js';
import { FrameQueue, type FrameType } from './frames.js';
import {
  attachSocket,
  LINK_TLS_OPTIONS,
  peerOf,
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
}

export interface ListenOptions<Role> {
  readonly identity: LinkIdentity;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly clock: Clock;
  /** Returns the role that the peer may link as; undefined refuses it, without an answer. */
  readonly admit: (peer: LinkPeer) => Role | undefined;
  readonly onFrame: FrameHandler<AcceptedLink<Role>>;
  /** A link ended, or was refused before there was one. */
  readonly onEnd?: (link: AcceptedLink<Role> | undefined, reason: LinkEnd) => void;
  /** Links at once; further connections are cut off before the handshake. */
  readonly maximumLinks?: number;
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
  const links = new Map<AcceptedLink<Role>, { peer: LinkPeer; socket: TLSSocket }>();
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
  server.maxConnections = options.maximumLinks ?? MAXIMUM_LINKS;
  /** All connections, those in the middle of their handshake too. */
  const connections = new Set<Socket>();
  let closing = false;
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });

  server.on('secureConnection', (socket) => {
    const peer = peerOf(socket);
    const role = peer === undefined || closing ? undefined : options.admit(peer);
    if (peer === undefined || role === undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      options.onEnd?.(undefined, 'refused');
      return;
    }
    const queue = new FrameQueue(options.clock);
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
      cut: () => attached.cut(),
    };
    open.add(link);
    links.set(link, { peer, socket });
    const attached = attachSocket(
      socket,
      queue,
      options.clock,
      (type: FrameType, body) => options.onFrame(link, type, body),
      (reason) => {
        queue.clear();
        open.delete(link);
        links.delete(link);
        options.onEnd?.(link, reason);
      },
    );
  });
  // A handshake that fails (no TLS 1.3, garbage, too slow) never becomes a link.
  server.on('tlsClientError', (_error, socket) => {
    socket.destroy();
    options.onEnd?.(undefined, 'refused');
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: Error) => {
      reject(
        new ClientError('LINK_REFUSED', `cannot listen on ${options.host}:${options.port}: ${cause.message}`, {
          cause,
        }),
      );
    });
    server.listen(options.port, options.host, resolve);
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
