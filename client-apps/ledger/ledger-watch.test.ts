// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { LedgerClient, LedgerEvent } from './index.js';
import { LedgerWatch } from './ledger-watch.js';

describe('client-apps/ledger/ledger-watch', () => {
  let emit: () => void;

  /** A ledger whose events the test makes. */
  const watching = (): Promise<LedgerWatch> => {
    let waiting: () => void = () => undefined;
    let pending = 0;
    emit = () => {
      pending++;
      waiting();
    };
    const client: Pick<LedgerClient, 'height' | 'chaincodeEvents'> = {
      height: () => Promise.resolve(7n),
      async *chaincodeEvents(channel, startBlock) {
        assert.deepEqual([channel, startBlock], ['pricing', 7n]);
        for (;;) {
          if (pending === 0) {
            await new Promise<void>((resolve) => (waiting = resolve));
          }
          pending--;
          yield {} as LedgerEvent;
        }
      },
    };
    return LedgerWatch.start(client as LedgerClient, ['pricing'], (error) => assert.fail(String(error)));
  };
  /** Answers at the given question. */
  const answeringAt = (question: number): { asked: () => number; ask: () => Promise<string | undefined> } => {
    let count = 0;
    return { asked: () => count, ask: () => Promise.resolve(++count === question ? 'sealed' : undefined) };
  };
  const soon = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

  it('asks once when the answer is there', async () => {
    const watch = await watching();
    const { ask, asked } = answeringAt(1);
    assert.equal(await watch.until(ask), 'sealed');
    assert.equal(asked(), 1);
  });

  it('asks again after an event', async () => {
    const watch = await watching();
    const { ask, asked } = answeringAt(2);
    const answer = watch.until(ask);
    await soon(1);
    emit();
    await soon(20);
    assert.equal(asked(), 2);
    assert.equal(await answer, 'sealed');
  });

  it('asks again without one: the peer that answers may be behind the one whose event woke it', async () => {
    const watch = await watching();
    const { ask, asked } = answeringAt(4);
    const answer = watch.until(ask);
    await soon(1);
    emit();
    assert.equal(await answer, 'sealed');
    assert.equal(asked(), 4);
  });
});
