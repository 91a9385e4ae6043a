// SPDX-License-Identifier: Apache-2.0
import type { TLSSocket } from 'node:tls';
import { withDeadline } from '../runtime/deadline.js';
import type { Timers } from '../runtime/timers.js';
import { FrameReader, type FrameQueue, type FrameType } from './frames.js';
import { linkPin } from './link-identity.js';

/** TLS of every link: one version, one curve, AEADs only. */
export const LINK_TLS_OPTIONS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256',
  ecdhCurve: 'X25519',
  // Who may link is decided by pin and role, not by a chain of certificates.
  rejectUnauthorized: false,
} as const;

/** A link to one peer. */
export interface Link {
  /** SHA-256 of the peer's SubjectPublicKeyInfo, 32 bytes. */
  readonly pin: Uint8Array;
  /**
   * Queues a frame; frames of one turn of the event loop leave in one TLS write. Frames that a broken
   * connection loses are not sent again: reliability comes from repetition in later slots.
   *
   * @returns false when the queue is full and the frame is dropped
   */
  send(type: FrameType, body: Uint8Array): boolean;
  /** Writes what is queued, then ends the link. */
  close(): Promise<void>;
}

/** Reason for the end of a link. */
export type LinkEnd =
  /** Either side closed it, or the network did. */
  | 'closed'
  /** A frame of unknown type or over its bound. */
  | 'bad-frame'
  /** The peer's key is not the pinned one, or it may not link here. */
  | 'refused'
  /** The peer sent far more than its share. */
  | 'over-share';

/**
 * Handles a frame. The link is read no further while too many of the promises are pending.
 * The body is a view that stays valid. A handler that throws or rejects ends its link.
 */
export type FrameHandler<L extends Link = Link> = (link: L, type: FrameType, body: Uint8Array) => void | Promise<void>;

/** Handlers that may be pending on one link before it is read no further. */
const MAXIMUM_PENDING = 256;

/** Time limit for a closing link to write its queue, real milliseconds. */
export const CLOSE_PATIENCE_MILLISECONDS = 2_000;

/** Time for which a link over its share is not read, real milliseconds: with 16 kB a read, 160 kB in a second. */
const SLOW_MILLISECONDS = 100;

/** A peer's key and certificate, proven by the TLS handshake. */
export interface LinkPeer {
  readonly pin: Uint8Array;
  /** DER. */
  readonly certificate: Uint8Array;
}

/** The peer that the handshake authenticated; undefined when it sent no usable certificate. */
export function peerOf(socket: TLSSocket): LinkPeer | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return undefined;
  }
  return { pin: linkPin(certificate.publicKey.export({ format: 'der', type: 'spki' })), certificate: certificate.raw };
}

/** Frames on a connected, checked socket. */
export interface AttachedSocket {
  /** Signals that the queue has frames to write. */
  wake(): void;
  /** Writes what is queued and ends the socket, within a bounded time. */
  end(): Promise<void>;
  /** Ends the socket at once. */
  cut(reason: LinkEnd): void;
  /** Reads nothing more for a moment. */
  slow(): void;
}

/** Uses of a socket's frames. */
export interface SocketUse {
  /** Frames to be written. */
  readonly queue: FrameQueue;
  readonly timers: Timers;
  readonly onFrame: (type: FrameType, body: Uint8Array) => void | Promise<void>;
  readonly onEnd: (reason: LinkEnd) => void;
}

/** Moves frames between a queue and a connected, checked socket until the socket closes. */
export function attachSocket(socket: TLSSocket, { queue, timers, onFrame, onEnd }: SocketUse): AttachedSocket {
  const { clock } = timers;
  const reader = new FrameReader();
  let reason: LinkEnd = 'closed';
  let pending = 0;
  let slowed = false;
  let scheduled = false;
  let ending = false;
  let written = 0;
  let received = 0;

  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  const cut = (why: LinkEnd): void => {
    reason = why;
    socket.destroy();
  };
  const failed = (): void => cut('closed');
  const resume = (): void => {
    if (pending <= MAXIMUM_PENDING && !slowed) {
      socket.resume();
    }
  };
  const settle = (): void => {
    if (--pending === MAXIMUM_PENDING) {
      resume();
    }
  };
  const slow = (): void => {
    if (slowed) {
      return;
    }
    slowed = true;
    socket.pause();
    timers.after('link slowed', SLOW_MILLISECONDS, () => {
      slowed = false;
      resume();
    });
  };
  const handle = (type: FrameType, body: Uint8Array): void => {
    const result = timers.run(
      'frame',
      () => onFrame(type, body),
      () => socket.destroy(),
    );
    if (!(result instanceof Promise)) {
      return;
    }
    if (++pending > MAXIMUM_PENDING) {
      socket.pause();
    }
    void clock.activity.track('frame', result).finally(settle);
  };
  const read = (data: Buffer): void => {
    const end = clock.activity.begin('frames');
    const whole = reader.push(data, (type, body) => {
      clock.activity.frames.received++;
      received++;
      handle(type, body);
    });
    end();
    if (!whole) {
      cut('bad-frame');
    }
  };
  timers.on('link read', [socket, 'data'], read, failed);

  const flush = (): void => {
    scheduled = false;
    while (!queue.isEmpty && socket.writable) {
      const { bytes, frames } = queue.take();
      written += frames;
      if (!socket.write(bytes)) {
        scheduled = true;
        return;
      }
    }
    if (ending) {
      socket.end();
    }
  };
  timers.on('link written', [socket, 'drain'], flush, failed);
  // An error is followed by 'close', where the link ends; the error itself would only inform an attacker.
  socket.on('error', () => undefined);
  socket.once('close', () => {
    // Both sides take back what they counted on this connection, so frames that died with it are not waited for.
    clock.activity.frames.sent -= written;
    clock.activity.frames.received -= received;
    onEnd(reason);
  });
  const wake = (): void => {
    if (scheduled) {
      return;
    }
    scheduled = true;
    timers.soon('link written', flush, failed);
  };
  wake();

  const end = (): Promise<void> => {
    ending = true;
    if (socket.destroyed) {
      return Promise.resolve();
    }
    wake();
    return withDeadline(closed, CLOSE_PATIENCE_MILLISECONDS, () => socket.destroy());
  };
  return { wake, end, cut, slow };
}
