// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import getPort, { portNumbers } from 'get-port';

/** Below the ports that systems give to outgoing connections, which a run has hundreds of. */
const LOWEST = 10_000;
const HIGHEST = 32_000;

/** Finds free ports of the loopback interface. They are chosen before a process starts, so that it can return to them. */
export function freePorts(count: number): Promise<number[]> {
  const one = (): Promise<number> =>
    // From a random port on: processes that search at the same time must not find the same ones.
    getPort({ host: '127.0.0.1', port: portNumbers(randomInt(LOWEST, HIGHEST), HIGHEST) });
  return Promise.all(Array.from({ length: count }, one));
}
