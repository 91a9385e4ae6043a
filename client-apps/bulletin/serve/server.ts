// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { getOrMake } from '../../../protocol/get-or-make.js';
import {
  HUB_ENROLMENT_PATH,
  MAXIMUM_ENROLMENT_REQUEST_LENGTH,
  METER_ENROLMENT_PATH,
  RELAY_ENROLMENT_PATH,
} from '../../links/enrolment-client.js';
import type { LinkIdentity } from '../../links/link-identity.js';
import { readBody } from '../../links/read-body.js';
import { ClientError } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import { Outage } from '../../runtime/outage.js';
import type { Timers } from '../../runtime/timers.js';
import { Turns } from '../../runtime/turns.js';
import { isBulletinPath } from '../layout.js';
import { addressPrefix } from './address-prefix.js';
import { EnrolmentForwarder } from './enrolment-forwarder.js';
import { FailureLimit } from './failure-limit.js';
import { MAXIMUM_OPEN_FILES, ServedFiles } from './files.js';
import { Gate } from './gate.js';
import { refuse, sendFile } from './send-file.js';

/** Deadlines of a connection, milliseconds: of its handshake, of a request's head, of a whole request, between requests. */
export const HANDSHAKE_MILLISECONDS = 8_000;
export const HEAD_MILLISECONDS = 5_000;
export const REQUEST_MILLISECONDS = 10_000;
export const KEEP_ALIVE_MILLISECONDS = 5_000;
/** Interval at which Node looks for connections past a deadline; its default is 30 s. */
const CHECK_MILLISECONDS = 1_000;

const MAXIMUM_HEAD_BYTES = 4_096;
/** Requests on one connection. A client may send several at once; they are answered one after the other. */
export const MAXIMUM_REQUESTS = 100;

/** Open files that the process needs besides connections and files of the bulletin. */
const OTHER_OPEN_FILES = 40;
/** The fewest open files with which the server is of use. */
export const MINIMUM_OPEN_FILES = 128;

const ENROLMENT_PATHS: readonly string[] = [METER_ENROLMENT_PATH, HUB_ENROLMENT_PATH, RELAY_ENROLMENT_PATH];

export interface BulletinServerOptions {
  readonly identity: LinkIdentity;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Root of the bulletin. */
  readonly bulletin: string;
  /** The control center's socket; without it this server accepts no enrolments. */
  readonly enrolmentSocket: string | undefined;
  /** The limit on open files of this process. */
  readonly openFiles: number;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * A bulletin over HTTPS: static files of known names, and in a region's public address enrolment, which is forwarded.
 * It keeps no record of requests.
 */
export class BulletinServer {
  readonly #limit: FailureLimit;
  readonly #files: ServedFiles;
  readonly #center: EnrolmentForwarder | undefined;
  readonly #outage: Outage;
  readonly #gate: Gate;
  /** Of the requests of each connection. */
  readonly #turns = new WeakMap<Socket, Turns>();

  readonly #options: BulletinServerOptions;
  readonly #server: Server;

  private constructor(options: BulletinServerOptions) {
    this.#options = options;
    this.#limit = new FailureLimit(options.timers.clock);
    this.#files = new ServedFiles(options.bulletin);
    this.#outage = new Outage(options.log, 'enrolment at the control center');
    const { enrolmentSocket, timers } = options;
    this.#center = enrolmentSocket === undefined ? undefined : new EnrolmentForwarder(enrolmentSocket, timers);
    this.#server = this.#createServer(options.identity);
    this.#gate = new Gate({
      timers: options.timers,
      openFiles: options.openFiles - OTHER_OPEN_FILES - MAXIMUM_OPEN_FILES,
      serve: (socket) => this.#server.emit('connection', socket),
    });
  }

  static async listen(options: BulletinServerOptions): Promise<BulletinServer> {
    const server = new BulletinServer(options);
    await server.#gate.listen(options.host, options.port);
    return server;
  }

  get port(): number {
    return this.#gate.port;
  }

  async close(): Promise<void> {
    await this.#gate.close();
    this.#center?.close();
    // Never listened: this ends its look for late connections.
    this.#server.close();
  }

  #createServer({ key, certificate }: LinkIdentity): Server {
    const server = createServer({
      key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      cert: certificate,
      minVersion: 'TLSv1.3',
      handshakeTimeout: HANDSHAKE_MILLISECONDS,
      maxHeaderSize: MAXIMUM_HEAD_BYTES,
      headersTimeout: HEAD_MILLISECONDS,
      requestTimeout: REQUEST_MILLISECONDS,
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
      connectionsCheckingInterval: CHECK_MILLISECONDS,
    });
    server.maxRequestsPerSocket = MAXIMUM_REQUESTS;
    const { timers } = this.#options;
    timers.on(
      'https',
      [server, 'request'],
      (request: IncomingMessage, response: ServerResponse) =>
        timers.clock.activity.track('https', this.#inTurn(request, response)),
      (request) => request.socket.destroy(),
    );
    // The last answer said that the connection ends; a client that has sent more is not one of ours.
    timers.on('https', [server, 'dropRequest'], (_request: IncomingMessage, socket: Socket) => void socket.destroy());
    return server;
  }

  /** Answers a request when the ones before it on its connection have been answered. */
  #inTurn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    return getOrMake(this.#turns, socket, () => new Turns()).take(async () => {
      if (socket.destroyed) {
        return;
      }
      this.#gate.setBusy(socket, true);
      await this.#handle(request, response);
      // A peer that disconnects is not an error.
      await finished(response).catch(() => undefined);
      this.#gate.setBusy(socket, false);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request;
    const path = url.slice(1);
    try {
      if ((method === 'GET' || method === 'HEAD') && isBulletinPath(path)) {
        await sendFile(this.#files, path, request, response);
      } else if (method === 'POST' && this.#center !== undefined && ENROLMENT_PATHS.includes(url)) {
        await this.#enrol(this.#center, request, response);
      } else {
        refuse(response, 404, 'NOT_FOUND');
      }
    } catch (error) {
      // A client that disconnects is not a fault of this server; of a fault the client learns only the code.
      if (!response.destroyed) {
        this.#options.log.error({ err: error }, 'request failed');
      }
      if (response.headersSent) {
        response.destroy();
      } else {
        refuse(response, 500, 'INTERNAL');
      }
    }
  }

  async #enrol(center: EnrolmentForwarder, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const prefix = addressPrefix(request.socket.remoteAddress);
    if (!this.#limit.allows(prefix)) {
      refuse(response, 429, 'TOO_MANY_REQUESTS');
      return;
    }
    const body = await readBody(request, MAXIMUM_ENROLMENT_REQUEST_LENGTH);
    if (body === undefined) {
      this.#limit.fail(prefix);
      refuse(response, 403, 'MALFORMED');
      return;
    }
    try {
      const answer = await center.forward(request.url!, body, prefix.subscriber);
      if (answer === undefined) {
        refuse(response, 503, 'BUSY');
        return;
      }
      this.#outage.answered();
      if (answer.status === 403) {
        this.#limit.fail(prefix);
      }
      response.writeHead(answer.status, { 'content-length': answer.body.length });
      response.end(answer.body);
    } catch (error) {
      if (!(error instanceof ClientError)) {
        throw error;
      }
      // Not a line for each request: anyone can send them.
      this.#outage.unanswered({ reason: error.message });
      refuse(response, 503, 'CONTROL_CENTER_UNREACHABLE');
    }
  }
}
