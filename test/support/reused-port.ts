// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

/** Time after which the client resets its connection when it is told to, milliseconds; this process is busy by then. */
const RESET_MILLISECONDS = 50;
const BUSY_MILLISECONDS = 150;

const CLIENT = `
  const { connect } = require('node:net');
  const port = Number(process.argv[1]);
  let localPort;
  const end = () => process.exit();
  const again = () => {
    const socket = connect({ port, host: '127.0.0.1', localPort }, () => {
      localPort = socket.localPort;
      process.stdout.write('.');
      const reset = () => {
        socket.off('close', end).on('close', again);
        setTimeout(() => socket.resetAndDestroy(), ${RESET_MILLISECONDS});
      };
      process.stdin.once('data', reset);
      socket.on('close', end);
    });
    socket.on('error', () => undefined);
  };
  again();
`;

/**
 * A client that resets a connection and connects again from the same port, so many times, each time while this process is
 * busy: it gets the new connection before it closes the old one. The last connection stays.
 */
export async function reusePort(port: number, resets: number): Promise<ChildProcess> {
  const args = ['-e', CLIENT, String(port)];
  const client = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  for (let reset = 0; reset < resets; reset++) {
    await once(client.stdout, 'data');
    client.stdin.write('.');
    await pause(10);
    const end = performance.now() + BUSY_MILLISECONDS;
    while (performance.now() < end) {
      // Nothing of this process runs meanwhile.
    }
  }
  await once(client.stdout, 'data');
  return client;
}
