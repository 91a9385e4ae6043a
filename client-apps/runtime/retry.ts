// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { Backoff, type Pauses } from './backoff.js';
import { ClientError } from './errors.js';
import type { Log } from './log.js';
import { Outage } from './outage.js';

const DEFAULT_PAUSES: Pauses = { firstPauseMilliseconds: 250, longestPauseMilliseconds: 30_000 };

/**
 * Repeats a task until the peer answers, and logs the outage. All clients of a server that was down wait for it, hence
 * the jitter.
 *
 * @param options signal: when aborted, the present attempt is the last
 * @throws whatever is not ClientError UNREACHABLE; that too after the signal
 */
export async function untilReachable<T>(
  log: Log,
  what: string,
  task: () => Promise<T>,
  { pauses = DEFAULT_PAUSES, signal }: { readonly pauses?: Pauses; readonly signal?: AbortSignal } = {},
): Promise<T> {
  const outage = new Outage(log, what);
  const backoff = new Backoff(pauses, randomInt);
  for (;;) {
    try {
      const result = await task();
      outage.answered();
      return result;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'UNREACHABLE' || signal?.aborted === true) {
        throw error;
      }
      outage.unanswered({ reason: error.message });
      await backoff.pause(signal);
    }
  }
}
