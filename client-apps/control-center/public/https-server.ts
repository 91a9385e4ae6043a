// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ZodType } from 'zod';
import { toHex } from '../../../protocol/crypto/bytes.js';
import { isBulletinPath } from '../../bulletin/layout.js';
import {
  HUB_ENROLMENT_PATH,
  hubEnrolmentBody,
  MAXIMUM_ENROLMENT_REQUEST_LENGTH,
  METER_ENROLMENT_PATH,
  meterEnrolmentBody,
  RELAY_ENROLMENT_PATH,
  relayEnrolmentBody,
} from '../../links/enrolment-client.js';
import type { LinkIdentity } from '../../links/link-identity.js';
import { listening } from '../../runtime/listening.js';
import type { Log } from '../../runtime/log.js';
import type { Timers } from '../../runtime/timers.js';
import { EnrolmentError, type Enrolment } from '../registration/enrolment.js';
import { FailureLimit } from './failure-limit.js';

/**
 * Maximum concurrent connections; when all meters and hubs of a region connect at once, the rest wait in the backlog.
 */
const MAXIMUM_CONNECTIONS = 2_048;
const HEADERS_MILLISECONDS = 10_000;
const REQUEST_MILLISECONDS = 30_000;
const KEEP_ALIVE_MILLISECONDS = 65_000;
const MAXIMUM_HEADER_BYTES = 4_096;

export interface HttpsServerOptions {
  readonly identity: LinkIdentity;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Root of the bulletin. */
  readonly bulletin: string;
  readonly enrolment: Enrolment;
  readonly timers: Timers;
  readonly log: Log;
}

/** @throws EnrolmentError */
type EnrolmentAnswer = (body: string) => Promise<object>;

/**
 * The control center's public HTTPS server: the bulletin, static files of known names only, and enrolment. It keeps no
 * record of requests.
 */
export class HttpsServer {
  readonly #limit: FailureLimit;
  readonly #enrolments: ReadonlyMap<string, EnrolmentAnswer> = new Map([
    [METER_ENROLMENT_PATH, (body) => this.#enrolMeter(body)],
    [HUB_ENROLMENT_PATH, (body) => this.#enrolHub(body)],
    [RELAY_ENROLMENT_PATH, (body) => this.#enrolRelay(body)],
  ]);

  readonly #options: HttpsServerOptions;
  readonly #server: Server;

  private constructor(options: HttpsServerOptions, server: Server) {
    this.#options = options;
    this.#server = server;

    this.#limit = new FailureLimit(options.timers.clock);
  }

  static async listen(options: HttpsServerOptions): Promise<HttpsServer> {
    const server = createServer({
      key: options.identity.key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      cert: options.identity.certificate,
      minVersion: 'TLSv1.3',
      maxHeaderSize: MAXIMUM_HEADER_BYTES,
      headersTimeout: HEADERS_MILLISECONDS,
      requestTimeout: REQUEST_MILLISECONDS,
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    });
    server.maxConnections = MAXIMUM_CONNECTIONS;
    const opened = new HttpsServer(options, server);
    const { timers } = options;
    const handle = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      timers.clock.activity.track('https', opened.#handle(request, response));
    timers.on('https', [server, 'request'], handle, (_request, response) => response.destroy());
    await listening(timers, server, options);
    return opened;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const path = (request.url ?? '').slice(1);
      const enrolment = request.method === 'POST' ? this.#enrolments.get(request.url ?? '') : undefined;
      if (request.method === 'GET' && isBulletinPath(path)) {
        await this.#sendFile(path, response);
      } else if (enrolment !== undefined) {
        await this.#enrol(request, response, enrolment);
      } else {
        send(response, 404, 'NOT_FOUND');
      }
    } catch (error) {
      // A peer that disconnects is not an error; anything else is a fault of this server, of which the peer learns only the code.
      if (!response.destroyed) {
        this.#options.log.error({ err: error }, 'request failed');
      }
      if (response.headersSent) {
        response.destroy();
      } else {
        send(response, 500, 'INTERNAL');
      }
    }
  }

  async #sendFile(path: string, response: ServerResponse): Promise<void> {
    const file = await open(join(this.#options.bulletin, path)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return undefined;
      }
      throw error;
    });
    if (file === undefined) {
      send(response, 404, 'NOT_FOUND');
      return;
    }
    const { size } = await file.stat();
    response.writeHead(200, { 'content-length': size, 'content-type': 'application/octet-stream' });
    await pipeline(file.createReadStream(), response);
  }

  async #enrol(request: IncomingMessage, response: ServerResponse, answer: EnrolmentAnswer): Promise<void> {
    const address = request.socket.remoteAddress ?? '';
    if (!this.#limit.allows(address)) {
      send(response, 429, 'TOO_MANY_REQUESTS');
      return;
    }
    try {
      const body = await readBody(request);
      send(response, 200, JSON.stringify(await answer(body)));
    } catch (error) {
      if (!(error instanceof EnrolmentError)) {
        throw error;
      }
      this.#limit.fail(address);
      send(response, 403, error.code);
    }
  }

  async #enrolMeter(body: string): Promise<object> {
    const { request, linkKey } = parse(meterEnrolmentBody, body);
    const answer = await this.#options.enrolment.meter(new TextEncoder().encode(request), linkKey);
    return { ...answer, parameters: toHex(answer.parameters) };
  }

  #enrolRelay(body: string): Promise<object> {
    const { code, identity, linkPin } = parse(relayEnrolmentBody, body);
    return this.#options.enrolment.relay(code, identity, linkPin);
  }

  async #enrolHub(body: string): Promise<object> {
    const { code, linkKey, priceKey } = parse(hubEnrolmentBody, body);
    const answer = await this.#options.enrolment.hub(code, linkKey, priceKey);
    return { ...answer, parameters: toHex(answer.parameters) };
  }
}

/** @throws EnrolmentError MALFORMED for a body that is too long */
async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAXIMUM_ENROLMENT_REQUEST_LENGTH) {
      throw new EnrolmentError('MALFORMED');
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
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
