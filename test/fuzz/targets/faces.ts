// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { concatBytes } from '../../../protocol/crypto/bytes.js';
import { FRAME } from '../../../client-apps/links/frames.js';
import { LINK_TLS_OPTIONS } from '../../../client-apps/links/link.js';
import { identityOf, listen } from '../../support/links.js';
import type { FuzzTarget } from '../input.js';

/** A face must have closed the connection, or taken all bytes, after this time. */
const PATIENCE_MILLISECONDS = 2_000;

/** Sends bytes, then ends the connection, and waits until the other side has closed it too. */
function exchange(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection is still open after ${PATIENCE_MILLISECONDS} ms`));
    }, PATIENCE_MILLISECONDS);
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.end(bytes);
  });
}

const listener = listen('relay');
const client = identityOf('peer');

/** A link's listener: an even first byte sends the rest before any handshake, an odd one as a linked peer. */
const links: FuzzTarget = {
  name: 'link-face',
  seeds: () => [
    Uint8Array.from([0, 22, 3, 1, 0, 5, 1, 0, 0, 1, 3]),
    concatBytes(Uint8Array.of(1, FRAME.mailboxDrain, 0, 0, 0, 8), new Uint8Array(8)),
    Uint8Array.of(1, 99, 255, 255, 255, 255),
  ],
  async run(bytes) {
    const { port } = await listener;
    if ((bytes[0] ?? 0) % 2 === 0) {
      await exchange(connect(port, '127.0.0.1'), bytes.subarray(1));
      return true;
    }
    const { key, certificate } = await client;
    const socket = connectTls({
      ...LINK_TLS_OPTIONS,
      port,
      host: '127.0.0.1',
      key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      cert: certificate,
    });
    await exchange(socket, bytes.subarray(1));
    return true;
  },
  close: async () => (await listener).close(),
};

/** What listens on the network, given bytes over real connections. */
export const targets: readonly FuzzTarget[] = [links];
