// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { CommitError, StatusCode, type CloseableAsyncIterable } from '@hyperledger/fabric-gateway';
import { follow, type Source } from './follow.js';
import { LedgerError } from './ledger-error.js';
import type { Patience } from './patience.js';

const PATIENCE: Patience = {
  totalMilliseconds: 200,
  lagMilliseconds: 50,
  firstPauseMilliseconds: 2,
  longestPauseMilliseconds: 8,
};
const conflict = (): CommitError => new CommitError({ code: StatusCode.MVCC_READ_CONFLICT, transactionId: 'x' });

/** A stream of numbers that breaks with `error` at its end. */
function brokenStream(
  items: readonly number[],
  error: Error,
  closed: () => void = () => {},
): CloseableAsyncIterable<number> {
  return {
    async *[Symbol.asyncIterator]() {
      yield* items;
      await Promise.resolve();
      throw error;
    },
    close: closed,
    [Symbol.dispose]: closed,
  };
}

/** Counts up from its checkpoint, a few numbers a stream, and notes what happens to it. */
class CountingSource implements Source<number> {
  checkpoint = 0;
  readonly log: string[] = [];
  readonly #perStream: number;

  constructor(perStream: number) {
    this.#perStream = perStream;
  }

  open(): Promise<CloseableAsyncIterable<number>> {
    this.log.push('open');
    const items = Array.from({ length: this.#perStream }, (_, i) => this.checkpoint + 1 + i);
    return Promise.resolve(brokenStream(items, conflict(), () => this.log.push('close')));
  }

  delivered(item: number): void {
    this.checkpoint = item;
  }

  broke(): void {
    this.log.push('broke');
  }
}

async function take(source: Source<number>, count: number): Promise<number[]> {
  const seen: number[] = [];
  for await (const item of follow(source, PATIENCE, new AbortController().signal)) {
    if (seen.push(item) === count) {
      break;
    }
  }
  return seen;
}

describe('following a ledger', () => {
  it('continues after the last item read when the stream breaks, and closes each stream', async () => {
    const source = new CountingSource(2);
    assert.deepEqual(await take(source, 5), [1, 2, 3, 4, 5]);
    assert.deepEqual(source.log, ['open', 'broke', 'close', 'open', 'broke', 'close', 'open', 'close']);
  });

  it('gives an item again whose consumer did not come back for the next', async () => {
    const source = new CountingSource(1);
    assert.deepEqual(await take(source, 1), [1]); // stopped as by a crash while handling it
    assert.deepEqual(await take(source, 2), [1, 2]);
  });

  it('ends with a refusal', async () => {
    const refusal = new LedgerError('DENIED', 'no');
    const source: Source<number> = { open: () => Promise.reject(refusal), delivered: () => {}, broke: () => {} };
    await assert.rejects(follow(source, PATIENCE, new AbortController().signal).next(), refusal);
  });

  it('ends quietly when the client is closed', async () => {
    const closing = new AbortController();
    const patience = { ...PATIENCE, firstPauseMilliseconds: 60_000 };
    const items = follow(new CountingSource(1), patience, closing.signal);
    assert.equal((await items.next()).value, 1);
    setTimeout(() => closing.abort(), 10);
    assert.equal((await items.next()).done, true);
  });
});
