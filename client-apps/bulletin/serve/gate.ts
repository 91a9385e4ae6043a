// SPDX-License-Identifier: Apache-2.0
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Counts } from '../../runtime/counts.js';
import { connectionName, listening } from '../../runtime/listening.js';
import type { Timers } from '../../runtime/timers.js';
import { addressPrefix } from './address-prefix.js';

/** Connections served at once, and waiting for their turn, where the limit on open files allows as many. */
const MAXIMUM_SERVED = 1_024;
const MAXIMUM_WAITING = 512;
/** Connections of one subscriber that are served at once: a quarter of all, so that a flood leaves room. */
const SUBSCRIBER_SHARE = 4;

/** Longest wait for a turn. */
export const TURN_MILLISECONDS = 15_000;
/**
 * Time after which a connection is closed for one that waits: without a complete request, which a client sends within
 * a few round trips, and with one, whose answer it reads slowly.
 */
export const IDLE_MILLISECONDS = 1_000;
export const BUSY_MILLISECONDS = 10_000;
const SWEEP_MILLISECONDS = 250;

interface Connection {
  readonly socket: Socket;
  readonly subscriber: string;
  /** Whether a request is being answered, and since when it is so; of one that waits, since when it waits. */
  isBusy: boolean;
  sinceMilliseconds: number;
}

export interface GateOptions {
  readonly timers: Timers;
  /** Open files that connections may take. */
  readonly openFiles: number;
  /** Takes a connection whose turn has come; it is paused. */
  readonly serve: (socket: Socket) => void;
}

/**
 * Accepts connections and hands them to a server in turn, as many at once as its open files allow. The next turn is
 * that of the subscriber with the fewest connections; one that sends no request in its turn is closed for those that
 * wait. When too many wait, the newest of the subscriber with the most is refused.
 */
export class Gate {
  readonly #served = new Map<string, Connection>();
  #waiting: Connection[] = [];
  readonly #counts = new Counts<string>();
  readonly #maximumServed: number;
  readonly #maximumWaiting: number;
  readonly #server: Server;
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#maximumWaiting = Math.min(MAXIMUM_WAITING, Math.floor(options.openFiles / 3));
    this.#maximumServed = Math.min(MAXIMUM_SERVED, options.openFiles - this.#maximumWaiting);
    // A connection is not read before its turn: what it sends waits in the operating system.
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
    options.timers.on(
      'gate',
      [this.#server, 'connection'],
      (socket: Socket) => this.#arrive(socket),
      (socket) => void socket.destroy(),
    );
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(host: string, port: number): Promise<void> {
    await listening(this.#options.timers, this.#server, { host, port });
    this.#sweepLater();
  }

  /** Marks that a connection's request is being answered, or that it has been. */
  setBusy(socket: Socket, isBusy: boolean): void {
    const connection = this.#served.get(connectionName(socket));
    if (connection !== undefined) {
      connection.isBusy = isBusy;
      connection.sinceMilliseconds = performance.now();
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const { socket } of [...this.#served.values(), ...this.#waiting]) {
      socket.destroy();
    }
    await closed;
  }

  #arrive(socket: Socket): void {
    const { subscriber } = addressPrefix(socket.remoteAddress);
    const connection = { socket, subscriber, isBusy: false, sinceMilliseconds: performance.now() };
    this.#options.timers.on('gate', [socket, 'error'], () => undefined);
    this.#waiting.push(connection);
    this.#admit();
    if (this.#waiting.length > this.#maximumWaiting) {
      this.#refuse();
    }
  }

  /** Gives turns to those that wait. */
  #admit(): void {
    const most = Math.max(1, Math.floor(this.#maximumServed / SUBSCRIBER_SHARE));
    while (this.#served.size < this.#maximumServed) {
      let next: Connection | undefined;
      for (const one of this.#waiting) {
        if (next === undefined || this.#countOf(one) < this.#countOf(next)) {
          next = one;
        }
      }
      if (next === undefined || this.#countOf(next) >= most) {
        return;
      }
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#serve(next);
    }
  }

  #serve(connection: Connection): void {
    const { socket, subscriber } = connection;
    // One that has been reset in the meantime has no address.
    if (socket.destroyed || socket.remotePort === undefined) {
      socket.destroy();
      return;
    }
    const key = connectionName(socket);
    // Where the key is known, the peer has reset that connection and used its port again before it was closed here.
    this.#served.get(key)?.socket.destroy();
    connection.sinceMilliseconds = performance.now();
    this.#served.set(key, connection);
    this.#counts.add(subscriber);
    this.#options.timers.on('gate', [socket, 'close'], () => {
      if (this.#served.get(key) === connection) {
        this.#served.delete(key);
      }
      this.#counts.remove(subscriber);
      this.#admit();
    });
    this.#options.serve(socket);
  }

  /** Refuses the newest waiting connection of the subscriber that has the most of them. */
  #refuse(): void {
    const waiting = new Counts<string>();
    let worst: Connection | undefined;
    for (const one of this.#waiting) {
      waiting.add(one.subscriber);
    }
    for (const one of this.#waiting) {
      if (worst === undefined || waiting.of(one.subscriber) >= waiting.of(worst.subscriber)) {
        worst = one;
      }
    }
    this.#waiting.splice(this.#waiting.indexOf(worst!), 1);
    worst!.socket.destroy();
  }

  #sweepLater(): void {
    this.#options.timers.after('gate', SWEEP_MILLISECONDS, () => {
      this.#sweepLater();
      this.#sweep();
    });
  }

  #sweep(): void {
    const now = performance.now();
    const isLate = ({ sinceMilliseconds, socket }: Connection): boolean =>
      socket.destroyed || now - sinceMilliseconds > TURN_MILLISECONDS;
    for (const { socket } of this.#waiting.filter(isLate)) {
      socket.destroy();
    }
    this.#waiting = this.#waiting.filter((one) => !isLate(one));
    this.#admit();
    const overdue = ({ isBusy, sinceMilliseconds }: Connection): number =>
      now - sinceMilliseconds - (isBusy ? BUSY_MILLISECONDS : IDLE_MILLISECONDS);
    // While there is room, those that wait have their share of it, and can only take the place of their own.
    const isFull = this.#served.size >= this.#maximumServed;
    const waiting = new Set(this.#waiting.map(({ subscriber }) => subscriber));
    const givingWay = [...this.#served.values()]
      .filter((one) => overdue(one) > 0 && (isFull || waiting.has(one.subscriber)))
      .sort((one, other) => this.#countOf(other) - this.#countOf(one) || overdue(other) - overdue(one));
    for (const { socket } of givingWay.slice(0, this.#waiting.length)) {
      socket.destroy();
    }
  }

  #countOf({ subscriber }: Connection): number {
    return this.#counts.of(subscriber);
  }
}
