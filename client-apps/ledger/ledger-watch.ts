// SPDX-License-Identifier: Apache-2.0
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { Backoff } from '../runtime/backoff.js';
import type { LedgerClient } from './index.js';

/**
 * Pauses between queries without an event, doubling. An event comes from the organisation's own peer, the answer from
 * one of the control center's, which may be a block behind; then no further event comes. Real time, like all of the
 * ledger.
 */
const PAUSES = {
  firstPauseMilliseconds: 100,
  // A query every half minute costs little when no change is due.
  longestPauseMilliseconds: 30_000,
};

/**
 * Waits for changes on some channels. Events only wake the watch; the state is always queried from the ledger, from
 * time to time also without an event. An event that is early, lost, repeated or forged only costs a wait or a query.
 */
export class LedgerWatch {
  /** Aborted by the next event. */
  #change = new AbortController();

  /**
   * @param onFailure called when the event streams end although the client was not closed
   * @throws LedgerError when the ledger refuses this client
   */
  static async start(
    client: LedgerClient,
    channels: readonly LedgerKind[],
    onFailure: (error: unknown) => void,
  ): Promise<LedgerWatch> {
    const watch = new LedgerWatch();
    for (const channel of channels) {
      // Read before the first query, so that no event between query and subscription is missed.
      const start = await client.height(channel);
      watch.#follow(client, channel, start).catch(onFailure);
    }
    return watch;
  }

  /**
   * Repeats a query until it has an answer: at once, after every change, and at growing intervals.
   *
   * @param ask returns undefined for "not yet"
   */
  async until<T>(ask: () => Promise<T | undefined>): Promise<T> {
    const backoff = new Backoff(PAUSES);
    for (;;) {
      const { signal } = this.#change;
      const answer = await ask();
      if (answer !== undefined) {
        return answer;
      }
      await backoff.pause(signal, false);
      if (signal.aborted) {
        backoff.reset();
      }
    }
  }

  async #follow(client: LedgerClient, channel: LedgerKind, start: bigint): Promise<void> {
    const events = client.chaincodeEvents(channel, start)[Symbol.asyncIterator]();
    while ((await events.next()).done !== true) {
      this.#change.abort();
      this.#change = new AbortController();
    }
  }
}
