// SPDX-License-Identifier: Apache-2.0
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { EmbeddedLedgerError, type EmbeddedLedgerErrorCode } from './errors.js';
import type { ControlAddress } from './ledger-directory.js';
import type { LedgerNode, LedgerStatus } from './ledger-node.js';

const TOKEN_BYTES = 32;
/** Requests are a name or a definition, answers a status. */
const MAXIMUM_BODY_BYTES = 64 * 1024;
/** Longer than any request takes; a process that hangs must not hang its owner. */
const ANSWER_TIMEOUT_MILLISECONDS = 60_000;

const requestSchema = z.discriminatedUnion('verb', [
  z.object({ verb: z.literal('status') }),
  z.object({ verb: z.literal('stop') }),
  z.object({ verb: z.literal('createChannel'), channel: z.string() }),
  z.object({
    verb: z.literal('deployChaincode'),
    deployment: z.object({
      channel: z.string(),
      name: z.string(),
      version: z.string().optional(),
      address: z.string().optional(),
    }),
  }),
]);

/** A request of the ledger's owner. */
export type ControlRequest = z.infer<typeof requestSchema>;

type ControlAnswer =
  { readonly result: unknown } | { readonly code: EmbeddedLedgerErrorCode; readonly message: string };

/**
 * Control interface of the ledger process: HTTP on the loopback interface, with a token that only the directory's owner
 * can read. Fabric has administrators' signatures and channel participation for this; a development ledger has one owner.
 */
export class ControlServer {
  readonly #node: LedgerNode;
  readonly #token = randomBytes(TOKEN_BYTES).toString('hex');
  readonly #onStop: () => void;
  readonly #server: Server;

  constructor(node: LedgerNode, onStop: () => void) {
    this.#node = node;
    this.#onStop = onStop;
    this.#server = createServer((request, response) => {
      void this.#handle(request, response);
    });
  }

  listen(): Promise<ControlAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => {
        const { port } = this.#server.address() as AddressInfo;
        resolve({ pid: process.pid, port, token: this.#token });
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#isOwner(request.headers.authorization)) {
      response.writeHead(403).end();
      return;
    }
    let answer: ControlAnswer;
    let stopping = false;
    try {
      const parsed = requestSchema.parse(JSON.parse(await readBody(request)));
      stopping = parsed.verb === 'stop';
      answer = { result: await this.#perform(parsed) };
    } catch (error) {
      const known = error instanceof EmbeddedLedgerError;
      answer = { code: known ? error.code : 'CONFIG_INVALID', message: (error as Error).message };
    }
    // A connection that is kept alive may be gone when the next request comes.
    const headers = { 'content-type': 'application/json', connection: 'close' };
    response.writeHead(200, headers).end(JSON.stringify(answer), () => {
      if (stopping) {
        this.#onStop();
      }
    });
  }

  #isOwner(authorization = ''): boolean {
    const expected = Buffer.from(`Bearer ${this.#token}`);
    const given = Buffer.from(authorization);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  async #perform(request: ControlRequest): Promise<LedgerStatus | null> {
    switch (request.verb) {
      case 'status':
        return this.#node.status();
      case 'stop':
        return null; // once the answer is sent
      case 'createChannel':
        await this.#node.createChannel(request.channel);
        return null;
      case 'deployChaincode':
        await this.#node.deployChaincode(request.deployment);
        return null;
    }
  }
}

/**
 * Asks a ledger process.
 * @returns its status for `status`, otherwise null.
 * @throws EmbeddedLedgerError
 */
export async function askLedger({ port, token }: ControlAddress, request: ControlRequest): Promise<unknown> {
  let answer: ControlAnswer;
  try {
    const response = await fetch(`http://127.0.0.1:${port}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MILLISECONDS),
    });
    answer = (await response.json()) as ControlAnswer;
  } catch (cause) {
    throw new EmbeddedLedgerError('NOT_RUNNING', 'the ledger process does not answer', { cause });
  }
  if ('code' in answer) {
    throw new EmbeddedLedgerError(answer.code, answer.message);
  }
  return answer.result;
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAXIMUM_BODY_BYTES) {
      throw new EmbeddedLedgerError('CONFIG_INVALID', 'the message is too long');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
