// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { ZodType } from 'zod';
import { toHex } from '../../../protocol/crypto/bytes.js';
import {
  HUB_ENROLMENT_PATH,
  hubEnrolmentBody,
  MAXIMUM_ENROLMENT_REQUEST_LENGTH,
  METER_ENROLMENT_PATH,
  meterEnrolmentBody,
  RELAY_ENROLMENT_PATH,
  relayEnrolmentBody,
} from '../../links/enrolment-client.js';
import { listenLocally } from '../../links/local-socket.js';
import { readBody } from '../../links/read-body.js';
import type { Clock } from '../../runtime/clock.js';
import type { Log } from '../../runtime/log.js';
import { EnrolmentError, type Enrolment } from '../registration/enrolment.js';

/** Name of the socket in the control center's directory. */
const SOCKET_NAME = 'enrolment.sock';

/** Connections: twice what the region's bulletin server uses, for its restart. */
const MAXIMUM_CONNECTIONS = 8;
const MAXIMUM_HEAD_BYTES = 4_096;
/** Deadlines of a request's head and of a whole request. */
export const HEAD_MILLISECONDS = 5_000;
export const REQUEST_MILLISECONDS = 10_000;
const KEEP_ALIVE_MILLISECONDS = 60_000;

/** @throws EnrolmentError */
type EnrolmentAnswer = (body: string) => Promise<object>;

/**
 * Enrolment, on a Unix socket in the control center's directory: the region's bulletin server alone connects to it, so
 * that no stranger opens a connection of this process.
 */
export class EnrolmentServer {
  readonly #answers: ReadonlyMap<string, EnrolmentAnswer> = new Map([
    [METER_ENROLMENT_PATH, (body) => this.#meter(body)],
    [HUB_ENROLMENT_PATH, (body) => this.#hub(body)],
    [RELAY_ENROLMENT_PATH, (body) => this.#relay(body)],
  ]);

  readonly #enrolment: Enrolment;
  readonly #log: Log;
  readonly #server: Server;

  private constructor(enrolment: Enrolment, clock: Clock, log: Log) {
    this.#enrolment = enrolment;
    this.#log = log;
    this.#server = createServer({
      maxHeaderSize: MAXIMUM_HEAD_BYTES,
      headersTimeout: HEAD_MILLISECONDS,
      requestTimeout: REQUEST_MILLISECONDS,
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    });
    this.#server.maxConnections = MAXIMUM_CONNECTIONS;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void clock.activity.track('enrolment', this.#handle(request, response));
    });
  }

  /** @param directory the control center's own, which it has locked */
  static async listen(directory: string, enrolment: Enrolment, clock: Clock, log: Log): Promise<EnrolmentServer> {
    const server = new EnrolmentServer(enrolment, clock, log);
    await listenLocally(server.#server, join(directory, SOCKET_NAME));
    return server;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = request.method === 'POST' ? this.#answers.get(request.url ?? '') : undefined;
      if (answer === undefined) {
        send(response, 404, 'NOT_FOUND');
        return;
      }
      const body = await readBody(request, MAXIMUM_ENROLMENT_REQUEST_LENGTH);
      if (body === undefined) {
        throw new EnrolmentError('MALFORMED');
      }
      send(response, 200, JSON.stringify(await answer(body.toString('utf8'))));
    } catch (error) {
      if (error instanceof EnrolmentError) {
        send(response, 403, error.code);
        return;
      }
      // A peer that disconnects is not an error.
      if (!response.destroyed) {
        this.#log.error({ err: error }, 'enrolment failed');
      }
      send(response, 500, 'INTERNAL');
    }
  }

  async #meter(body: string): Promise<object> {
    const { request, linkKey } = parse(meterEnrolmentBody, body);
    const answer = await this.#enrolment.meter(new TextEncoder().encode(request), linkKey);
    return { ...answer, parameters: toHex(answer.parameters) };
  }

  #relay(body: string): Promise<object> {
    const { code, identity, linkPin } = parse(relayEnrolmentBody, body);
    return this.#enrolment.relay(code, identity, linkPin);
  }

  async #hub(body: string): Promise<object> {
    const { code, linkKey, priceKey } = parse(hubEnrolmentBody, body);
    const answer = await this.#enrolment.hub(code, linkKey, priceKey);
    return { ...answer, parameters: toHex(answer.parameters) };
  }
}

function parse<T>(schema: ZodType<T>, body: string): T {
  try {
    return schema.parse(JSON.parse(body));
  } catch (cause) {
    throw new EnrolmentError('MALFORMED', { cause });
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  // A body that was not read to its end must not be parsed as the next request.
  if (status !== 200) {
    response.setHeader('connection', 'close');
  }
  response.writeHead(status, { 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
