// SPDX-License-Identifier: Apache-2.0
import type { Server, Socket } from 'node:net';
import type { Timers } from './timers.js';

/**
 * Begins to listen. An error of the server afterwards, such as a connection that cannot be taken, is a failed task and
 * no more.
 *
 * @param port 0 lets the system choose
 * @throws the system's error when it cannot listen there
 */
export async function listening(
  timers: Timers,
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  timers.on('server', [server, 'error'], (error: Error) => {
    throw error;
  });
}

/** Names a connection by the address and port of its peer, the same for a TCP socket and for TLS on it. */
export function connectionName({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
