// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, which a run has hundreds of. */
const LOWEST = 10_000;
const HIGHEST = 32_000;
const ATTEMPTS = 1_000;

/** Finds free ports of the loopback interface. They are chosen before a process starts, so that it can return to them. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count && attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (!found.has(port) && (await isFree(port))) {
      found.add(port);
    }
  }
  if (found.size < count) {
    throw new Error(`there are no ${count} free ports between ${LOWEST} and ${HIGHEST}`);
  }
  return [...found];
}

/** Whether a port of the loopback interface is free. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
