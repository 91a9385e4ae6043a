// SPDX-License-Identifier: Apache-2.0
import type { CloseableAsyncIterable } from '@hyperledger/fabric-gateway';
import { diagnose, LedgerError } from './ledger-error.js';
import { Backoff, type Patience } from './patience.js';

/**
 * Turns streams that break into one that does not: when the ledger goes away, `open` is called again and continues
 * where the last item left off. Ends when the consumer stops or the client is closed.
 * @param open opens a stream behind the last item given to `delivered`.
 * @param delivered called after the consumer has taken an item and asks for the next: only then is it behind us.
 * @throws LedgerError if the ledger refuses for good.
 */
export async function* follow<T>(
  open: () => Promise<CloseableAsyncIterable<T>>,
  delivered: (item: T) => void | Promise<void>,
  patience: Patience,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const backoff = new Backoff(patience, signal);
  while (!signal.aborted) {
    let stream: CloseableAsyncIterable<T> | undefined;
    const close = (): void => stream?.close();
    signal.addEventListener('abort', close);
    try {
      stream = await open();
      for await (const item of stream) {
        yield item;
        await delivered(item);
        backoff.reset();
      }
    } catch (thrown) {
      if (signal.aborted) {
        return;
      }
      const { error, retryable } = diagnose(thrown);
      if (!retryable) {
        throw error;
      }
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
    try {
      await backoff.pause();
    } catch (thrown) {
      if (thrown instanceof LedgerError && thrown.code === 'CLOSED') {
        return;
      }
      throw thrown;
    }
  }
}
