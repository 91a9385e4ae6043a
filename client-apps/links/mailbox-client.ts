// SPDX-License-Identifier: Apache-2.0
import { withDeadline } from '../runtime/deadline.js';
import { ClientError } from '../runtime/errors.js';
import { OutgoingLink, type ConnectOptions, type LinkTarget } from './connect.js';
import { FRAME, MAILBOX_BATCH, MAILBOX_CAPACITY } from './frames.js';
import { decodeMailboxPackets, encodeDrain } from './mailbox-frames.js';

const EMPTY = new Uint8Array(0);

/** Answers that one drain takes: those of twice what a relay keeps in a mailbox. The next drain continues from there. */
export const MAXIMUM_DRAIN_ANSWERS = (2 * MAILBOX_CAPACITY) / MAILBOX_BATCH;

/** Time in which a drain ends. Real time: it guards against a relay, not a schedule. */
export const DRAIN_MILLISECONDS = 10_000;

interface Waiting {
  readonly packets: Uint8Array[];
  answers: number;
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
  readonly #deadlineMilliseconds: number;

  /** @param relay the mailbox's relay, from the directory */
  constructor(
    relay: LinkTarget,
    options: Omit<ConnectOptions, 'onFrame' | 'onUp' | 'onDown'>,
    deadlineMilliseconds = DRAIN_MILLISECONDS,
  ) {
    this.#deadlineMilliseconds = deadlineMilliseconds;
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
   * Fetches the packets that wait. Call it once a slot, whatever is expected. It ends at the latest after so many
   * answers, or when its time is over: then with what has come.
   *
   * @throws ClientError UNREACHABLE: nothing has come, or the link is down or went down; BAD_ANSWER
   */
  drain(): Promise<Uint8Array[]> {
    this.#fail('another drain was started');
    const drained = new Promise<Uint8Array[]>((resolve, reject) => {
      this.#waiting = { packets: [], answers: 0, resolve, reject };
      if (this.#link.isUp) {
        this.#link.send(FRAME.mailboxDrain, encodeDrain(this.#received));
      }
    });
    const waiting = this.#waiting;
    return withDeadline(drained, this.#deadlineMilliseconds, () => {
      if (waiting !== undefined && waiting.packets.length > 0) {
        waiting.resolve(waiting.packets);
      }
      this.#fail(`no answer from the mailbox within ${this.#deadlineMilliseconds / 1_000} s`);
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
      this.#received = answer.lastNumber;
      if (answer.more && ++waiting.answers < MAXIMUM_DRAIN_ANSWERS) {
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
