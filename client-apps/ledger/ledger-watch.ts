// SPDX-License-Identifier: Apache-2.0
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { Backoff } from '../runtime/backoff.js';
import type { LedgerClient } from './index.js';

/**
 * Between a question and the next one without an event, doubling. An event comes from an own peer, the answer from one of
 * the control center's, which may be a block behind; then no other event comes. Real time, as all that is the ledger's.
 */
const PAUSES = {
  firstPauseMilliseconds: 100,
  // Where nothing is to come for a while, a question every half minute costs nothing.
  longestPauseMilliseconds: 30_000,
};

/**
 * Tells when something may have changed on some channels. Events only wake; what stands is asked of the ledger, now and
 * then also without an event. So one that is early, lost, doubled or forged does no harm beyond a wait or a question.
 */
export class LedgerWatch {
  /** Aborted by the next event. */
  #change = new AbortController();

  /**
   * @param onFailure called when events end for good though the client was not closed
   * @throws LedgerError when the ledger refuses this client
   */
  static async start(
    client: LedgerClient,
    channels: readonly LedgerKind[],
    onFailure: (error: unknown) => void,
  ): Promise<LedgerWatch> {
    const watch = new LedgerWatch();
    for (const channel of channels) {
      // Fixed before anybody asks what stands: an event between the question and the subscription is not missed.
      const start = await client.height(channel);
      watch.#follow(client, channel, start).catch(onFailure);
    }
    return watch;
  }

  /**
   * Repeats a question until it has an answer: at first, after every change, and at growing intervals.
   *
   * @param ask undefined for "not yet"
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
