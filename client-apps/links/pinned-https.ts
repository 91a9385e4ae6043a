// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { equalBytes, toHex } from '../../protocol/crypto/bytes.js';
import { withDeadline } from '../runtime/deadline.js';
import { ClientError } from '../runtime/errors.js';

/** Idle timeout of a connection. Real time: it guards against a dead peer, not a schedule. */
export const SILENCE_MILLISECONDS = 20_000;

/** Time in which an answer must be complete, however steadily it trickles. Real time as well. */
export const EXCHANGE_MILLISECONDS = 60_000;

/** Maximum bytes of a failure answer whose text is used as the reason. */
const REASON_LENGTH = 1_000;

export interface HttpsAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** SHA-256 of the SubjectPublicKeyInfo of the certificate a TLS peer showed, or undefined when it showed none. */
export function peerPin(socket: TLSSocket): Uint8Array | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return undefined;
  }
  try {
    return createHash('sha256')
      .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
      .digest();
  } catch {
    // A key of a kind that this machine does not know is never the pinned one.
    return undefined;
  }
}

/**
 * TLS 1.3 to one server that is authenticated by the pin of its key alone: no name, no authority. The pin is
 * checked before the first byte of a request is sent.
 */
class PinnedAgent extends Agent {
  readonly #pin: Uint8Array;

  constructor(pin: Uint8Array) {
    // A household's or meter's requests come one after another; two connections are for a slow download beside them.
    super({ keepAlive: true, maxSockets: 2, maxCachedSessions: 0 });
    this.#pin = pin;
  }

  override createConnection(
    options: { host?: string | null; port?: number | string | null },
    done?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const socket = connect({
      host: options.host ?? 'localhost',
      port: Number(options.port),
      minVersion: 'TLSv1.3',
      // The pin below takes the place of a chain to an authority.
      rejectUnauthorized: false,
    });
    socket.setTimeout(SILENCE_MILLISECONDS, () => socket.destroy(new Error('timed out')));
    const fail = (error: Error): void => done?.(error, socket);
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      const shown = peerPin(socket);
      if (shown !== undefined && equalBytes(shown, this.#pin)) {
        return done?.(null, socket);
      }
      socket.destroy();
      const server = `${options.host ?? 'localhost'}:${options.port}`;
      const found = shown === undefined ? 'none' : toHex(shown);
      done?.(
        new ClientError('WRONG_PIN', `${server}: expected the key with pin ${toHex(this.#pin)}, got ${found}`),
        socket,
      );
    });
    return undefined;
  }
}

/** A small HTTPS client for one pinned server. Answers are read whole and bounded. */
export class PinnedHttps {
  readonly #agent: Agent;
  readonly #base: URL;
  readonly #deadlineMilliseconds: number;

  /** @param pin SHA-256 of the server key's SubjectPublicKeyInfo, 32 bytes */
  constructor(url: string, pin: Uint8Array, deadlineMilliseconds = EXCHANGE_MILLISECONDS) {
    this.#base = new URL(url);
    this.#deadlineMilliseconds = deadlineMilliseconds;
    this.#agent = new PinnedAgent(pin);
  }

  /**
   * @param maximumBytes a longer answer is broken off
   * @throws ClientError UNREACHABLE, WRONG_PIN, BAD_ANSWER
   */
  get(path: string, maximumBytes: number): Promise<HttpsAnswer> {
    return this.#exchange('GET', path, undefined, maximumBytes);
  }

  /** @throws ClientError UNREACHABLE, WRONG_PIN, BAD_ANSWER */
  post(path: string, body: Uint8Array, maximumBytes: number): Promise<HttpsAnswer> {
    return this.#exchange('POST', path, body, maximumBytes);
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(method: string, path: string, body: Uint8Array | undefined, maximumBytes: number): Promise<HttpsAnswer> {
    let cut: () => void = () => undefined;
    const answer = new Promise<HttpsAnswer>((resolve, reject) => {
      const fail = (cause: Error): void => {
        if (cause instanceof ClientError) {
          reject(cause);
          return;
        }
        reject(new ClientError('UNREACHABLE', `${this.#base.host}: ${cause.message}`, { cause }));
      };
      const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
      const request = httpsRequest(new URL(path, this.#base), { agent: this.#agent, method, headers }, (response) => {
        const parts: Uint8Array[] = [];
        let length = 0;
        response.on('data', (part: Uint8Array) => {
          length += part.length;
          if (length > maximumBytes) {
            // Not as the reason of the end: a connection that is free already has no listener for an error.
            fail(new ClientError('BAD_ANSWER', `${path}: answer longer than ${maximumBytes} bytes`));
            request.destroy();
          } else {
            parts.push(part);
          }
        });
        response.on('error', fail);
        response.on('end', () => {
          if (response.complete) {
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts, length) });
          } else {
            fail(new Error('the connection closed before the end of the answer'));
          }
        });
      });
      request.on('error', fail);
      request.end(body);
      cut = () => {
        fail(new Error(`no complete answer within ${this.#deadlineMilliseconds / 1_000} s`));
        request.destroy();
      };
    });
    return withDeadline(answer, this.#deadlineMilliseconds, () => cut());
  }
}

/** The reason in an answer that is not a success, cut to a line. */
export function answerReason(answer: HttpsAnswer): string {
  const text = new TextDecoder().decode(answer.body.subarray(0, REASON_LENGTH));
  return text.replace(/[^\x20-\x7e]+/g, ' ').trim() || `status ${answer.status}`;
}
