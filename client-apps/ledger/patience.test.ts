// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { CommitError, StatusCode } from '@hyperledger/fabric-gateway';
import { LedgerError } from './ledger-error.js';
import { persist, type Patience } from './patience.js';

const PATIENCE: Patience = {
  totalMilliseconds: 200,
  lagMilliseconds: 50,
  firstPauseMilliseconds: 2,
  longestPauseMilliseconds: 8,
};
const conflict = (): CommitError => new CommitError({ code: StatusCode.MVCC_READ_CONFLICT, transactionId: 'x' });

describe('asking a ledger again', () => {
  const { signal } = new AbortController();

  it('ends with the first success', async () => {
    let attempts = 0;
    const result = await persist(
      () => (++attempts < 4 ? Promise.reject(conflict()) : Promise.resolve('done')),
      PATIENCE,
      signal,
    );
    assert.deepEqual([result, attempts], ['done', 4]);
  });

  it('ends at once with a refusal that time does not cure', async () => {
    let attempts = 0;
    const refuse = (): Promise<never> => {
      attempts++;
      return Promise.reject(new LedgerError('K_ANONYMITY', 'too few'));
    };
    await assert.rejects(persist(refuse, PATIENCE, signal), { code: 'K_ANONYMITY' });
    assert.equal(attempts, 1);
  });

  it('concludes soon, but not at once, that something is missing', async () => {
    const start = performance.now();
    let attempts = 0;
    const refuse = (): Promise<never> => {
      attempts++;
      return Promise.reject(new LedgerError('HEADER_MISSING', 'no header yet'));
    };
    await assert.rejects(persist(refuse, PATIENCE, signal), { code: 'HEADER_MISSING' });
    assert.ok(attempts > 2);
    assert.ok(performance.now() - start >= PATIENCE.lagMilliseconds);
    attempts = 0;
    await assert.rejects(persist(refuse, { ...PATIENCE, lagMilliseconds: 0 }, signal), { code: 'HEADER_MISSING' });
    assert.equal(attempts, 1);
  });

  it('ends with the last reason when patience is over', async () => {
    const start = performance.now();
    let attempts = 0;
    const lose = (): Promise<never> => {
      attempts++;
      return Promise.reject(conflict());
    };
    await assert.rejects(persist(lose, PATIENCE, signal), { code: 'CONFLICT_PERSISTS' });
    assert.ok(performance.now() - start >= PATIENCE.totalMilliseconds);
    assert.ok(attempts > 5);
  });

  it('ends when the client is closed, between attempts and before the first', async () => {
    const closing = new AbortController();
    const patience = { ...PATIENCE, firstPauseMilliseconds: 60_000, longestPauseMilliseconds: 60_000 };
    const waiting = persist(() => Promise.reject(conflict()), patience, closing.signal);
    setTimeout(() => closing.abort(), 10);
    await assert.rejects(waiting, { code: 'CLOSED' });
    await assert.rejects(
      persist(() => Promise.resolve(1), PATIENCE, closing.signal),
      { code: 'CLOSED' },
    );
  });
});
