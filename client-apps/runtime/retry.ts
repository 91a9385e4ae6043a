// SPDX-License-Identifier: Apache-2.0
import { setTimeout as wait } from 'node:timers/promises';
import { ClientError } from './errors.js';
import type { Log } from './log.js';
import { Outage } from './outage.js';

const FIRST_WAIT_MILLISECONDS = 250;
const LONGEST_WAIT_MILLISECONDS = 30_000;

/**
 * Repeats what a party cannot begin without until the other side is there. The waits are real time: they concern the
 * machine and not the protocol. The log says that it waits, and when it goes on.
 *
 * @throws whatever is not ClientError UNREACHABLE
 */
export async function untilReachable<T>(log: Log, what: string, task: () => Promise<T>): Promise<T> {
  const outage = new Outage(log, what);
  for (let pause = FIRST_WAIT_MILLISECONDS; ; pause = Math.min(2 * pause, LONGEST_WAIT_MILLISECONDS)) {
    try {
      const result = await task();
      outage.answered();
      return result;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'UNREACHABLE') {
        throw error;
      }
      outage.unanswered({ reason: error.message });
      await wait(pause);
    }
  }
}
