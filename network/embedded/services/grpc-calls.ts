// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import {
  status as GrpcStatus,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { RpcError, toServiceError } from './rpc-error.js';

/** Aborts when the ledger stops. */
export type StopSignal = AbortSignal;

/** Bounds the requests that a service works on at once, as `peer.limits.concurrency` does. */
export class ConcurrencyLimit {
  readonly #service: string;
  readonly #limit: number;
  #running = 0;

  constructor(service: string, limit: number) {
    this.#service = service;
    this.#limit = limit;
  }

  /** @throws RpcError if too many run already */
  async run<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.#running >= this.#limit) {
      const text = `too many requests for ${this.#service}, exceeding concurrency limit (${this.#limit})`;
      throw new RpcError(GrpcStatus.UNKNOWN, text);
    }
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
    }
  }
}

/** A unary method; the signal aborts when the caller hangs up, its deadline passes or the ledger stops. */
export function unary<Request, Response>(
  limit: ConcurrencyLimit,
  stop: StopSignal,
  handle: (request: Request, signal: AbortSignal) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    limit
      .run(() => withSignal(call, stop, (signal) => handle(call.request, signal)))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toServiceError(error)),
      );
  };
}

/** A method that answers one request with a stream. */
export function serverStream<Request, Response>(
  limit: ConcurrencyLimit,
  stop: StopSignal,
  handle: (request: Request, signal: AbortSignal) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    limit
      .run(() =>
        withSignal(call, stop, async (signal) => {
          for await (const response of handle(call.request, signal)) {
            await write(call, response, signal);
          }
          throw stopped(); // such streams have no end of their own
        }),
      )
      .catch((error: unknown) => call.emit('error', toServiceError(error)));
  };
}

/** A method with a stream in both directions. It ends when `handle` returns. */
export function duplex<Request, Response>(
  stop: StopSignal,
  handle: (call: ServerDuplexStream<Request, Response>, signal: AbortSignal) => Promise<void>,
): (call: ServerDuplexStream<Request, Response>) => void {
  return (call) => {
    withSignal(call, stop, (signal) => handle(call, signal)).then(
      () => call.end(),
      (error: unknown) => call.emit('error', toServiceError(error)),
    );
  };
}

/** Sends a message, and waits if the receiver is behind. */
export async function write<Response>(
  call: ServerWritableStream<unknown, Response> | ServerDuplexStream<unknown, Response>,
  response: Response,
  signal: AbortSignal,
): Promise<void> {
  if (!signal.aborted && !call.write(response)) {
    await once(call, 'drain', { signal }).catch((error: unknown) => {
      if (!signal.aborted) {
        throw error;
      }
    });
  }
}

/**
 * Error of a stream that ends with the ledger: a clean end would make fabric-gateway's block iterators throw a
 * TypeError.
 */
export function stopped(): RpcError {
  return new RpcError(GrpcStatus.UNAVAILABLE, 'the ledger is stopping, or the request was cancelled');
}

type Cancellable = { on(event: 'cancelled', listener: () => void): unknown; readonly cancelled: boolean };

async function withSignal<T>(
  call: Cancellable,
  stop: StopSignal,
  work: (signal: AbortSignal) => Promise<T> | T,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  call.on('cancelled', abort);
  stop.addEventListener('abort', abort);
  if (call.cancelled || stop.aborted) {
    abort();
  }
  try {
    return await work(controller.signal);
  } finally {
    stop.removeEventListener('abort', abort);
  }
}
