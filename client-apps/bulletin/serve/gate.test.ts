// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { timersOn, until } from '../../../test/support/links.js';
import { reusePort } from '../../../test/support/reused-port.js';
import { SystemClock } from '../../runtime/clock.js';
import { Gate } from './gate.js';

describe('client-apps/bulletin/serve gate', function () {
  this.timeout(10_000);
  const timers = timersOn(new SystemClock());
  const sockets: Socket[] = [];
  let gate: Gate;
  let client: ChildProcess;
  afterEach(async () => {
    client.kill();
    sockets.forEach((socket) => socket.destroy());
    timers.stop();
    await gate.close();
  });

  it('counts a connection that comes from the port of one that was reset: it gives way like the others', async () => {
    const served: Socket[] = [];
    // Eight turns, two for each subscriber.
    gate = new Gate({ timers, openFiles: 12, serve: (socket) => void served.push(socket.resume()) });
    await gate.listen('127.0.0.1', 0);
    client = await reusePort(gate.port, 1);
    await until('both had their turn', () => served.length === 2);
    const link = (): Socket => {
      const socket = connect(gate.port, '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      return socket;
    };
    const other = link();
    await until('the other has its turn', () => served.length === 3);
    gate.setBusy(served[2]!, true);
    link();
    await until('the one that waited has its turn', () => served.length === 4);
    assert.equal(other.destroyed, false);
  });
});
