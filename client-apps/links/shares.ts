// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { getOrMake } from '../../protocol/get-or-make.js';
import { slotAt, type SlotTiming } from '../../protocol/schedule/slots.js';
import type { Clock } from '../runtime/clock.js';
import type { AcceptedLink } from './listen.js';

/** Frames that one peer may send, over all its links. */
export interface Share {
  readonly perSlot: number;
  /** Frames at once, when it sent fewer in the slots before. */
  readonly burst: number;
}

/** Excess of one peer in a slot. */
export interface Excess {
  readonly pin: Uint8Array;
  /** Frames over its share, which were dropped. */
  readonly over: number;
  /** Frames that no honest peer sends. */
  readonly faults: number;
  readonly refused: boolean;
}

/** Frames over the share, in one slot, after which a peer is refused for a time: as many again as its share, or these. */
const FEWEST_OVER = 64;

/** Frames that no honest peer sends, in one slot, after which a peer is refused for a time. */
const MOST_FAULTS = 16;

/** Of a peer whose first frame comes. */
const NOTHING_SENT = { share: { perSlot: 0, burst: 0 }, used: 0, over: 0, faults: 0, refused: false };

interface Peer {
  readonly pin: Uint8Array;
  share: Share;
  /** Of its share: frames that came less those of the slots since. */
  used: number;
  over: number;
  faults: number;
  refused: boolean;
}

/**
 * Counts the load of each peer of a listener. A peer over its share is slowed first: the frame is dropped and its link read no
 * further for a moment. One that continues is refused for a time. The other peers are not affected.
 */
export class Shares {
  readonly #peers = new Map<string, Peer>();
  #slotStart = 0;

  readonly #clock: Clock;
  readonly #timing: () => SlotTiming;
  readonly #onExcess: (excess: Excess) => void;

  /** @param onExcess told once for each peer and slot, after it, of what the peer sent beyond its share */
  constructor(clock: Clock, timing: () => SlotTiming, onExcess: (excess: Excess) => void) {
    this.#clock = clock;
    this.#timing = timing;
    this.#onExcess = onExcess;
  }

  /** Counts a frame. @returns whether it is within its sender's share and is to be handled */
  allows(link: AcceptedLink<unknown>, share: Share): boolean {
    const peer = this.#peerOf(link);
    peer.share = share;
    if (peer.used < peer.share.burst) {
      peer.used++;
      return true;
    }
    if (++peer.over > Math.max(FEWEST_OVER, peer.share.perSlot)) {
      refuse(link, peer);
    } else {
      link.slow();
    }
    return false;
  }

  /** Counts a frame that no honest peer sends. @returns how many came in this slot */
  fault(link: AcceptedLink<unknown>): number {
    const peer = this.#peerOf(link);
    if (++peer.faults > MOST_FAULTS) {
      refuse(link, peer);
    }
    return peer.faults;
  }

  #peerOf({ pin }: AcceptedLink<unknown>): Peer {
    this.#beginSlot();
    return getOrMake(this.#peers, toHex(pin), () => ({ ...NOTHING_SENT, pin }));
  }

  #beginSlot(): void {
    const timing = this.#timing();
    const { startSeconds } = slotAt(timing, this.#clock.nowMilliseconds() / 1000);
    if (startSeconds === this.#slotStart) {
      return;
    }
    const slots = Math.max(1, (startSeconds - this.#slotStart) / timing.slotSeconds);
    this.#slotStart = startSeconds;
    for (const [name, peer] of this.#peers) {
      const { pin, over, faults, refused } = peer;
      if (over + faults > 0) {
        this.#onExcess({ pin, over, faults, refused });
      }
      peer.used = Math.max(0, peer.used - slots * peer.share.perSlot);
      if (peer.used === 0) {
        this.#peers.delete(name);
      } else {
        Object.assign(peer, { over: 0, faults: 0, refused: false });
      }
    }
  }
}

function refuse(link: AcceptedLink<unknown>, peer: Peer): void {
  peer.refused = true;
  link.refuse();
}
