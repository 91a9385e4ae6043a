// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import getPort from 'get-port';

/** Ports of topology.json (7051 to 10052) go up by tens, and stay below those that systems give to connections. */
const SMALLEST_SHIFT = 300;
const LARGEST_SHIFT = 2_100;
const ATTEMPTS = 50;
/** Chaincode servers listen on base + 1 to base + 9. */
const CHAINCODE_PORTS = 9;

/** A topology with all its ports moved up by the same number, so that a network can run beside one in use. */
export async function movedTopology(path: string): Promise<object> {
  const text = readFileSync(path, 'utf8');
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const shift = 10 * randomInt(SMALLEST_SHIFT, LARGEST_SHIFT);
    const used: number[] = [];
    const moved = JSON.parse(text, (key, value: unknown) => {
      if (typeof value !== 'number' || !/port$/i.test(key)) {
        return value;
      }
      const port = value + shift;
      used.push(port);
      if (key === 'chaincodeBasePort') {
        for (let i = 1; i <= CHAINCODE_PORTS; i++) {
          used.push(port + i);
        }
      }
      return port;
    }) as object;
    const free = await Promise.all(used.map((port) => getPort({ host: '127.0.0.1', port })));
    if (free.every((port, index) => port === used[index])) {
      return moved;
    }
  }
  throw new Error('no free ports for a network of Fabric');
}
