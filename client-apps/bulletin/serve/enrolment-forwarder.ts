// SPDX-License-Identifier: Apache-2.0
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Counts } from '../../runtime/counts.js';
import { withDeadline } from '../../runtime/deadline.js';
import { ClientError } from '../../runtime/errors.js';
import type { Timers } from '../../runtime/timers.js';
import { MAXIMUM_ENROLMENT_ANSWER_LENGTH } from '../../links/enrolment-client.js';
import { shortestPath } from '../../links/local-socket.js';
import { readBody } from '../../links/read-body.js';

/** Requests under way at the control center; further ones wait for their turn. */
const REQUESTS_AT_ONCE = 4;
/** Requests under way or waiting, in all and of one subscriber; further ones are refused, and may be repeated. */
const MAXIMUM_REQUESTS = 64;
const MAXIMUM_REQUESTS_PER_SUBSCRIBER = 8;
/** Time in which the control center must answer, waiting included. */
export const CENTER_MILLISECONDS = 20_000;

/** Answer of the control center. */
export interface CenterAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Forwards enrolments to the control center, through the socket in its directory. */
export class EnrolmentForwarder {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: REQUESTS_AT_ONCE });
  readonly #underWay = new Counts<string>();
  #count = 0;

  readonly #socketPath: string;

  readonly #timers: Timers;

  constructor(socketPath: string, timers: Timers) {
    this.#socketPath = shortestPath(socketPath);
    this.#timers = timers;
  }

  /**
   * @returns undefined when too many are under way
   * @throws ClientError UNREACHABLE when the control center does not answer
   */
  async forward(path: string, body: Buffer, subscriber: string): Promise<CenterAnswer | undefined> {
    const own = this.#underWay.of(subscriber);
    if (this.#count >= MAXIMUM_REQUESTS || own >= MAXIMUM_REQUESTS_PER_SUBSCRIBER) {
      return undefined;
    }
    this.#count++;
    this.#underWay.add(subscriber);
    try {
      return await this.#post(path, body);
    } finally {
      this.#count--;
      this.#underWay.remove(subscriber);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #post(path: string, body: Buffer): Promise<CenterAnswer> {
    const options = {
      agent: this.#agent,
      socketPath: this.#socketPath,
      method: 'POST',
      path,
      headers: { 'content-length': body.length },
    };
    const request = httpRequest(options);
    const answer = new Promise<CenterAnswer>((resolve, reject) => {
      this.#timers.on('enrolment', [request, 'error'], reject);
      this.#timers.on('enrolment', [request, 'response'], (response: IncomingMessage) => {
        readBody(response, MAXIMUM_ENROLMENT_ANSWER_LENGTH).then((answer) => {
          if (answer === undefined) {
            reject(new Error(`answer longer than ${MAXIMUM_ENROLMENT_ANSWER_LENGTH} bytes`));
          } else {
            resolve({ status: response.statusCode!, body: answer });
          }
        }, reject);
      });
      request.end(body);
    });
    const late = (): void => void request.destroy(new Error(`no answer within ${CENTER_MILLISECONDS / 1_000} s`));
    try {
      return await withDeadline(answer, CENTER_MILLISECONDS, late);
    } catch (cause) {
      throw new ClientError('UNREACHABLE', `control center: ${(cause as Error).message}`, { cause });
    }
  }
}
