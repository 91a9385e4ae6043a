// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { Backoff, type Pauses } from '../runtime/backoff.js';
import { diagnose, LedgerError, mayBeLag } from './ledger-error.js';

/**
 * Limits of repeated attempts at a ledger. Real time, not the party's clock: a ledger needs its seconds even while
 * the demo's simulated time does not advance.
 */
export interface Patience extends Pauses {
  /** After this many milliseconds no further attempt is made. */
  readonly totalMilliseconds: number;
  /** The same for refusals that may come from a peer that lags behind. */
  readonly lagMilliseconds: number;
}

/**
 * Two minutes: longer than a change of raft leader, and than a ledger's restart. Three seconds: peers of one
 * organisation are milliseconds apart, and more only on a machine that has too much to do.
 */
export const DEFAULT_PATIENCE: Patience = {
  totalMilliseconds: 120_000,
  lagMilliseconds: 3_000,
  firstPauseMilliseconds: 50,
  longestPauseMilliseconds: 3_000,
};

/**
 * Runs `attempt` until it succeeds, is refused permanently, or the time is up; then throws the last error.
 * `attempt` must be safe to repeat even if an earlier run took effect unnoticed.
 * @throws LedgerError
 */
export async function persist<T>(attempt: () => Promise<T>, patience: Patience, signal: AbortSignal): Promise<T> {
  const start = performance.now();
  const backoff = new Backoff(patience, randomInt);
  for (;;) {
    if (signal.aborted) {
      throw new LedgerError('CLOSED', 'the ledger client was closed');
    }
    try {
      return await attempt();
    } catch (thrown) {
      const { error, retryable } = diagnose(thrown);
      const allowed = retryable ? patience.totalMilliseconds : mayBeLag(error) ? patience.lagMilliseconds : 0;
      if (performance.now() - start >= allowed) {
        throw error;
      }
    }
    await backoff.pause(signal);
  }
}
