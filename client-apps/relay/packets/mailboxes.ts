// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import { MAXIMUM_METERS } from '../../../protocol/ledger/limits.js';
import { MAILBOX_BATCH, MAILBOX_CAPACITY } from '../../links/frames.js';
import type { MailboxPackets } from '../../links/mailbox-frames.js';
import { Counts } from '../../runtime/counts.js';

/** Packets in all mailboxes of a relay: a third of the largest region's hubs, all off for a day; about 400 MB. */
const MAXIMUM_PACKETS = 1 << 19;

/** Of packets that were there before a restart. */
const UNKNOWN_SENDER = 0;

/** Packets that wait for one hub. */
export interface Mailbox {
  /** Number of the first packet; they count up from 1. */
  readonly firstNumber: bigint;
  /** Oldest first. */
  readonly packets: readonly Uint8Array[];
}

interface OpenMailbox {
  firstNumber: bigint;
  packets: Uint8Array[];
  /** Of each packet, the neighbour it came from. */
  senders: number[];
}

/** The mailboxes of a relay of the last layer. Only ids that a hub has opened hold anything. */
export class Mailboxes {
  /** By id in hex; the one used longest ago first. */
  readonly #mailboxes = new Map<string, OpenMailbox>();
  #packets = 0;
  /** Packets of each neighbour in all mailboxes. */
  readonly #ofSender = new Counts<number>();

  /** Open mailboxes. */
  get size(): number {
    return this.#mailboxes.size;
  }

  /** Packets in all of them. */
  get packetCount(): number {
    return this.#packets;
  }

  /** Opens a mailbox; what is in it stays. When there are too many, the least recently used one is dropped. */
  open(id: Uint8Array): void {
    const key = toHex(id);
    this.#use(key, this.#mailboxes.get(key) ?? { firstNumber: 1n, packets: [], senders: [] });
    const [oldest] = this.#mailboxes.keys();
    if (this.#mailboxes.size > MAXIMUM_METERS && oldest !== undefined) {
      const mailbox = this.#mailboxes.get(oldest)!;
      this.#discard(mailbox, 0, mailbox.packets.length);
      this.#mailboxes.delete(oldest);
    }
  }

  /**
   * Puts a copy of a packet into a mailbox. A full one drops the oldest packet of the neighbour that has most in it: the
   * newest is the most useful, and a neighbour that floods a mailbox drops its own.
   *
   * @param sender the neighbour it came from
   * @param senders how many neighbours there are: each may fill an equal part of all mailboxes
   * @returns false when no hub has opened that id, or there is no room for the neighbour at all
   */
  put(id: Uint8Array, packet: Uint8Array, sender: number, senders: number): boolean {
    const mailbox = this.#mailboxes.get(toHex(id));
    if (mailbox === undefined) {
      return false;
    }
    if (mailbox.packets.length === MAILBOX_CAPACITY) {
      this.#discard(mailbox, mailbox.senders.indexOf(mostFrequent(mailbox.senders)), 1);
    } else if (this.#ofSender.of(sender) >= MAXIMUM_PACKETS / senders) {
      return false;
    }
    mailbox.packets.push(packet.slice());
    mailbox.senders.push(sender);
    this.#packets++;
    this.#ofSender.add(sender);
    return true;
  }

  /**
   * Discards what the hub has received and gives the next packets.
   *
   * @param received number of the last packet received, 0 for none
   * @returns undefined when the id was never opened
   */
  drain(id: Uint8Array, received: bigint): MailboxPackets | undefined {
    const key = toHex(id);
    const mailbox = this.#mailboxes.get(key);
    if (mailbox === undefined) {
      return undefined;
    }
    this.#use(key, mailbox);
    const done = received - mailbox.firstNumber + 1n;
    if (done > 0n) {
      this.#discard(mailbox, 0, Number(done < mailbox.packets.length ? done : mailbox.packets.length));
    }
    const packets = mailbox.packets.slice(0, MAILBOX_BATCH);
    return {
      lastNumber: mailbox.firstNumber + BigInt(packets.length) - 1n,
      more: mailbox.packets.length > packets.length,
      packets,
    };
  }

  /** All mailboxes, to be kept while the relay is stopped. */
  snapshot(): ReadonlyMap<string, Mailbox> {
    return this.#mailboxes;
  }

  /** Takes back what {@link snapshot} gave. */
  restore(snapshot: ReadonlyMap<string, Mailbox>): void {
    for (const [key, { firstNumber, packets }] of snapshot) {
      this.#mailboxes.set(key, { firstNumber, packets: [...packets], senders: packets.map(() => UNKNOWN_SENDER) });
      this.#packets += packets.length;
      this.#ofSender.add(UNKNOWN_SENDER, packets.length);
    }
  }

  #use(key: string, mailbox: OpenMailbox): void {
    this.#mailboxes.delete(key);
    this.#mailboxes.set(key, mailbox);
  }

  /** The packets before keep their distance to the end: of those that a hub was given, it may get one again, and loses none. */
  #discard(mailbox: OpenMailbox, index: number, count: number): void {
    mailbox.packets.splice(index, count);
    for (const sender of mailbox.senders.splice(index, count)) {
      this.#ofSender.remove(sender);
    }
    mailbox.firstNumber += BigInt(count);
    this.#packets -= count;
  }
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Counts<number>();
  for (const value of values) {
    counts.add(value);
  }
  return [...counts.all].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}
