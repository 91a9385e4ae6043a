// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import { getOrMake } from '../../../protocol/get-or-make.js';
import { Counts } from '../../runtime/counts.js';

/** A neighbour that packets come from, and what it occupies of the relay. */
export class Sender {
  /** Packets in the delay pool. */
  held = 0;

  constructor(readonly number: number) {}
}

/** Packets that one next hop was sent in a slot. */
interface Forwarded {
  total: number;
  /** By the number of the neighbour they came from. */
  readonly of: Counts<number>;
}

/**
 * The neighbours that packets come from: meters and relays that were admitted, so they are few. The packets to each next
 * hop are shared out among them: its link takes a number a slot, which a neighbour must not use up for the others.
 */
export class Senders {
  /** Number 0 is of packets that were held before a restart. */
  readonly #senders: Sender[] = [new Sender(0)];
  readonly #byPin = new Map<string, Sender>();
  readonly #forwarded = new Map<unknown, Forwarded>();
  #slot = 0;

  /** @param pin of its link */
  of(pin: Uint8Array): Sender {
    return getOrMake(this.#byPin, toHex(pin), () => {
      const sender = new Sender(this.#senders.length);
      this.#senders.push(sender);
      return sender;
    });
  }

  /** @param number of a neighbour */
  numbered(number: number): Sender {
    return this.#senders[number]!;
  }

  /**
   * Counts a packet to a next hop. The first half of what the hop takes in a slot is for any peer; of the second
   * half each neighbour has an equal part, so that one that sends all its packets the same way cannot use up the link.
   *
   * @param number of the neighbour it came from
   * @param nextHop any name of the next hop
   * @param limits packets a slot that the hop takes, and neighbours that there are
   * @param slot the present one
   * @returns whether it may be sent
   */
  mayForward(
    number: number,
    nextHop: unknown,
    { packets, senders }: { readonly packets: number; readonly senders: number },
    slot: number,
  ): boolean {
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#forwarded.clear();
    }
    const forwarded = getOrMake(this.#forwarded, nextHop, () => ({ total: 0, of: new Counts<number>() }));
    const own = forwarded.of.of(number);
    const half = packets / 2;
    if (forwarded.total >= packets || (forwarded.total >= half && own >= Math.max(1, half / senders))) {
      return false;
    }
    forwarded.total++;
    forwarded.of.add(number);
    return true;
  }
}
