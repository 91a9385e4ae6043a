// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Backoff } from './backoff.js';

const PAUSES = { firstPauseMilliseconds: 100, longestPauseMilliseconds: 500 };

describe('client-apps/runtime/backoff', () => {
  const pausesOf = (backoff: Backoff, count: number): number[] => Array.from({ length: count }, () => backoff.next());

  it('doubles from the first pause to the longest, and begins again when it is told to', () => {
    const backoff = new Backoff(PAUSES);
    assert.deepEqual(pausesOf(backoff, 5), [100, 200, 400, 500, 500]);
    backoff.reset();
    assert.deepEqual(pausesOf(backoff, 2), [100, 200]);
  });

  it('draws each pause between half and the whole of its step where clients may return together', () => {
    const bounds: number[] = [];
    const least = new Backoff(PAUSES, (below) => (bounds.push(below), 0));
    assert.deepEqual(pausesOf(least, 4), [50, 100, 200, 250]);
    assert.deepEqual(bounds, [50, 100, 200, 250]);
    const most = new Backoff(PAUSES, (below) => below - 1);
    assert.deepEqual(pausesOf(most, 4), [99, 199, 399, 499]);
  });

  it('waits in real time, and no longer than its signal lets it', async () => {
    const start = performance.now();
    await new Backoff({ firstPauseMilliseconds: 20, longestPauseMilliseconds: 20 }).pause();
    assert.ok(performance.now() - start >= 19);
    const long = new Backoff({ firstPauseMilliseconds: 60_000, longestPauseMilliseconds: 60_000 });
    const ending = new AbortController();
    const waiting = long.pause(ending.signal);
    ending.abort();
    await waiting;
    await long.pause(ending.signal);
    assert.ok(performance.now() - start < 30_000);
  });
});
