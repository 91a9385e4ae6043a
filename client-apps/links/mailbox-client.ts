// SPDX-License-Identifier: Apache-2.0
import { ClientError } from '../runtime/errors.js';
import { OutgoingLink, type ConnectOptions, type LinkTarget } from './connect.js';
import { FRAME, MAILBOX_CAPACITY } from './frames.js';
import { decodeMailboxPackets, encodeDrain } from './mailbox-frames.js';

const EMPTY = new Uint8Array(0);

/** Packets that one drain takes: twice what a relay keeps in a mailbox. */
const MAXIMUM_DRAINED = 2 * MAILBOX_CAPACITY;

interface Waiting {
  readonly packets: Uint8Array[];
  resolve(packets: Uint8Array[]): void;
  reject(error: ClientError): void;
}

/**
 * A hub's link out to the relay that keeps its mailbox. Packets are delivered in order and repeated until the
 * next drain acknowledges them, so one may arrive twice after a reconnection.
 */
export class MailboxClient {
  readonly #link: OutgoingLink;
  #received = 0n;
  #waiting: Waiting | undefined;

  /** @param relay the mailbox's relay, from the directory */
  constructor(relay: LinkTarget, options: Omit<ConnectOptions, 'onFrame' | 'onUp' | 'onDown'>) {
    this.#link = new OutgoingLink(relay, {
      ...options,
      onUp: (link) => {
        // The relay may have been started again and count from the beginning.
        this.#received = 0n;
        link.send(FRAME.mailboxOpen, EMPTY);
        if (this.#waiting !== undefined) {
          link.send(FRAME.mailboxDrain, encodeDrain(0n));
        }
      },
      onDown: () => this.#fail('the mailbox relay is unreachable'),
      onFrame: (_link, type, body) => {
        if (type === FRAME.mailboxPackets) {
          this.#take(body);
        }
      },
    });
  }

  /**
   * Fetches all packets that wait. Call it once a slot, on the slot clock, whatever is expected.
   *
   * @throws ClientError UNREACHABLE: the link is down or went down; BAD_ANSWER
   */
  drain(): Promise<Uint8Array[]> {
    this.#fail('another drain was started');
    return new Promise((resolve, reject) => {
      this.#waiting = { packets: [], resolve, reject };
      if (this.#link.isUp) {
        this.#link.send(FRAME.mailboxDrain, encodeDrain(this.#received));
      }
    });
  }

  async close(): Promise<void> {
    await this.#link.close();
    this.#fail('the mailbox was closed');
  }

  #take(body: Uint8Array): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      return;
    }
    try {
      const answer = decodeMailboxPackets(body);
      waiting.packets.push(...answer.packets);
      if (waiting.packets.length > MAXIMUM_DRAINED) {
        throw new ClientError('BAD_ANSWER', 'the relay sent more packets than a mailbox can hold');
      }
      this.#received = answer.lastNumber;
      if (answer.more) {
        this.#link.send(FRAME.mailboxDrain, encodeDrain(this.#received));
        return;
      }
    } catch (error) {
      if (!(error instanceof ClientError)) {
        throw error;
      }
      this.#waiting = undefined;
      waiting.reject(error);
      return;
    }
    this.#waiting = undefined;
    waiting.resolve(waiting.packets);
  }

  #fail(message: string): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new ClientError('UNREACHABLE', message));
  }
}
