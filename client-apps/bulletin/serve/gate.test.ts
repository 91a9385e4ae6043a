// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { timersOn, until } from '../../../test/support/links.js';
import { reusePort } from '../../../test/support/reused-port.js';
import { SystemClock } from '../../runtime/clock.js';
import type { Timers } from '../../runtime/timers.js';
import { Gate } from './gate.js';

/** Eight connections served, two of each subscriber, and four that wait. */
const OPEN_FILES = 12;

describe('client-apps/bulletin/serve: Gate', function () {
  this.timeout(10_000);
  let timers: Timers;
  let gate: Gate;
  /** The connections whose turn came, in order, and their addresses. */
  let sockets: Socket[];
  let served: string[];
  const clients: Socket[] = [];
  let client: ChildProcess | undefined;

  beforeEach(async function () {
    // Addresses of the loopback network stand for different subscribers.
    if (process.platform !== 'linux') {
      this.skip();
    }
    sockets = [];
    served = [];
    client = undefined;
    timers = timersOn(new SystemClock());
    const serve = (socket: Socket): void => {
      sockets.push(socket.resume());
      served.push(socket.remoteAddress!);
    };
    gate = new Gate({ timers, openFiles: OPEN_FILES, serve });
    await gate.listen('127.0.0.1', 0);
  });
  afterEach(async () => {
    client?.kill();
    timers.stop();
    await gate.close();
    clients.splice(0).forEach((socket) => socket.destroy());
  });

  const addressOf = (subscriber: number): string => `127.0.2.${subscriber}`;
  /** A connection of a subscriber, once it is made. */
  const dial = (subscriber: number): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: gate.port, localAddress: addressOf(subscriber) });
      clients.push(socket);
      socket.once('connect', () => resolve(socket)).on('error', reject);
      socket.resume();
    });
  const servedOf = (subscriber: number): number => served.filter((address) => address === addressOf(subscriber)).length;
  /** All places are taken, by subscribers 1 to 4. */
  const fill = async (): Promise<void> => {
    for (const subscriber of [1, 2, 3, 4, 1, 2, 3, 4]) {
      await dial(subscriber);
    }
    await until('all are served', () => served.length === 8);
  };

  it('serves a quarter of its places to one subscriber, and the others at once', async () => {
    for (let count = 0; count < 5; count++) {
      await dial(1);
    }
    await dial(2);
    await until('the other is served', () => servedOf(2) === 1);
    assert.equal(servedOf(1), 2);
  });

  it('gives the next turn to the subscriber with the fewest connections, not to who came first', async () => {
    await fill();
    await dial(1);
    await dial(5);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(served.length, 8);
    sockets[0]!.destroy();
    await until('a turn', () => served.length === 9);
    assert.equal(served.at(-1), addressOf(5));
  });

  it('refuses, when too many wait, the newest of the subscriber with the most of them', async () => {
    await fill();
    const waiting = [await dial(1), await dial(1), await dial(1), await dial(5)];
    const closed = waiting.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    const other = await dial(6);
    await closed[2];
    assert.deepEqual(
      [...waiting, other].map(({ destroyed }) => destroyed),
      [false, false, true, false, false],
    );
  });

  it('lets a connection that asks nothing give way, when all places are taken, to one that waits', async () => {
    await fill();
    await dial(5);
    await until('the turn of the one that waits', () => servedOf(5) === 1);
  });

  it('counts a connection from the port of one that was reset: it gives way like the others', async () => {
    client = await reusePort(gate.port, 1);
    await until('both had their turn', () => sockets.length === 2);
    const local = (): void => {
      clients.push(connect(gate.port, '127.0.0.1').on('error', () => undefined));
    };
    local();
    await until('another has its turn', () => sockets.length === 3);
    gate.setBusy(sockets[2]!, true);
    local();
    await until('the one that waited has its turn', () => sockets.length === 4);
    assert.equal(clients[0]!.destroyed, false);
  });
});
