// SPDX-License-Identifier: Apache-2.0
/**
 * A process that attacks a bulletin server from 20 loopback addresses until it is told to end: idle connections, readers
 * that take nothing, and clients that send requests without waiting for answers. What the server closes is opened again.
 * Its argument is an {@link Attack} in JSON; it answers any message with {@link AttackFigures}, and goes on.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Sizes of the attack. */
export interface Attack {
  readonly port: number;
  /** The file that is asked for. */
  readonly path: string;
  readonly idle: number;
  readonly slow: number;
  readonly pipelining: number;
  /** Time before a connection that was closed is opened again. */
  readonly pauseMilliseconds: number;
}

/** What the attack came to. */
export interface AttackFigures {
  /** Connections made. */
  readonly connections: number;
  /** The most that were open at once. */
  readonly mostOpen: number;
  /** Bytes that the pipelining clients were sent. */
  readonly received: number;
}

const ADDRESSES = 20;
const REQUESTS_AT_ONCE = 90;

const { port, path, idle, slow, pipelining, pauseMilliseconds } = JSON.parse(process.argv[2]!) as Attack;
const requests = `GET /${path} HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(REQUESTS_AT_ONCE);
let number = 0;
let open = 0;
const figures = { connections: 0, mostOpen: 0, received: 0 };

/** Keeps one attacker going. @param begin what it does with a connection that was made */
function keep(begin: (socket: Socket) => void): void {
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress: `127.0.1.${1 + (number++ % ADDRESSES)}` });
  let isOpen = false;
  socket.on('error', () => undefined);
  socket.once('connect', () => {
    isOpen = true;
    figures.connections++;
    figures.mostOpen = Math.max(figures.mostOpen, ++open);
    begin(socket);
  });
  socket.once('close', () => {
    open -= isOpen ? 1 : 0;
    setTimeout(() => keep(begin), pauseMilliseconds);
  });
}

function secured(use: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => {
    const secure = connectTls({ socket, rejectUnauthorized: false });
    secure.on('error', () => undefined).once('close', () => socket.destroy());
    secure.once('secureConnect', () => use(secure));
  };
}

for (let count = 0; count < idle; count++) {
  keep((socket) => void socket.resume());
}
for (let count = 0; count < slow; count++) {
  keep(
    secured((socket) => {
      socket.pause();
      socket.write(requests);
    }),
  );
}
for (let count = 0; count < pipelining; count++) {
  keep(
    secured((socket) => {
      socket.on('data', (bytes: Buffer) => (figures.received += bytes.length));
      socket.write(requests);
    }),
  );
}
process.on('message', () => process.send?.(figures satisfies AttackFigures));
