// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import type { CloseableAsyncIterable } from '@hyperledger/fabric-gateway';
import { Backoff } from '../runtime/backoff.js';
import { diagnose } from './ledger-error.js';
import type { Patience } from './patience.js';

/** Source of the items. */
export interface Source<T> {
  /** Opens a stream behind the last item given to {@link delivered}. */
  open(): Promise<CloseableAsyncIterable<T>>;
  /** The consumer has processed an item and requests the next; a new stream starts after it. */
  delivered(item: T): void | Promise<void>;
  /** A stream broke or could not be opened; another one follows. */
  broke(thrown: unknown): void;
}

/**
 * Turns streams that break into one that does not: when the ledger goes away, the source is opened again and continues
 * where the last item left off. Ends when the consumer stops or the client is closed.
 * @throws LedgerError if the ledger refuses permanently.
 */
export async function* follow<T>(
  source: Source<T>,
  patience: Patience,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const backoff = new Backoff(patience, randomInt);
  const isAborted = (): boolean => signal.aborted;
  while (!isAborted()) {
    let stream: CloseableAsyncIterable<T> | undefined;
    const close = (): void => stream?.close();
    // eslint-disable-next-line no-restricted-syntax -- closes a stream of this client and does nothing else
    signal.addEventListener('abort', close);
    try {
      stream = await source.open();
      for await (const item of stream) {
        yield item;
        await source.delivered(item);
        backoff.reset();
      }
    } catch (thrown) {
      if (isAborted()) {
        return;
      }
      const { error, retryable } = diagnose(thrown);
      if (!retryable) {
        throw error;
      }
      source.broke(thrown);
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
    await backoff.pause(signal);
  }
}
