// SPDX-License-Identifier: Apache-2.0
import { MAILBOX_ID_LENGTH, MAXIMUM_LAYERS, packetLength } from '../../../protocol/onion/geometry.js';
import type { PacketRoute } from '../../../protocol/onion/packet.js';
import type { CancelTimer, Timers } from '../../runtime/timers.js';

/** A packet that a relay holds for the time its sender drew. */
export interface HeldPacket {
  /** Time at which it is forwarded, Unix milliseconds. */
  readonly dueMilliseconds: number;
  readonly epoch: number;
  readonly route: PacketRoute;
  readonly packet: Uint8Array;
  /** The neighbour it came from, by its number in {@link Senders}; 0 for one that was held before a restart. */
  readonly sender: number;
}

/** A slot's bytes: mailbox id ‖ the longest packet that a relay passes on. */
const SLOT_LENGTH = MAILBOX_ID_LENGTH + packetLength(MAXIMUM_LAYERS - 1);
/** Slots whose bytes are made together, when the first of them is needed: 1.2 MB. */
const SLOTS_PER_CHUNK = 1_024;

/** In place of the next relay's index. */
const TO_CONTROL_CENTER = -1;
const TO_MAILBOX = -2;

/**
 * Packets by due time: a binary heap with one timer of the clock for the first of them. A timer for each packet would
 * cost more than the packet. Packets are copied into memory of the pool's own: as objects that live for seconds they
 * would be what the garbage collector of a busy relay does, 10 to 40 ms at a time, and each pause delays all packets.
 */
export class DelayPool {
  /** Slots of what is held: a heap of `count`, the first that is due on top. */
  readonly #heap: Uint32Array;
  #count = 0;
  /** Free slots, of which the last is used first. */
  readonly #free: Uint32Array;
  #freeCount: number;
  readonly #due: Float64Array;
  readonly #epochs: Uint16Array;
  readonly #nextHops: Int32Array;
  readonly #lengths: Uint16Array;
  readonly #senders: Uint32Array;
  readonly #chunks: Uint8Array[] = [];
  #cancelTimer: CancelTimer | undefined;

  readonly #timers: Timers;
  readonly #capacity: number;
  readonly #release: (packet: HeldPacket) => void;

  /**
   * @param capacity packets it holds
   * @param release takes a packet that is due; its bytes are the pool's and stay only until it returns
   */
  constructor(timers: Timers, capacity: number, release: (packet: HeldPacket) => void) {
    this.#timers = timers;
    this.#capacity = capacity;
    this.#release = release;

    this.#heap = new Uint32Array(capacity);
    this.#free = new Uint32Array(capacity).map((_, index) => capacity - 1 - index);
    this.#freeCount = capacity;
    this.#due = new Float64Array(capacity);
    this.#epochs = new Uint16Array(capacity);
    this.#nextHops = new Int32Array(capacity);
    this.#lengths = new Uint16Array(capacity);
    this.#senders = new Uint32Array(capacity);
  }

  /** Packets in the pool. */
  get size(): number {
    return this.#capacity - this.#freeCount;
  }

  /**
   * Puts a copy of a packet into the pool, where it stays until {@link DelayPool.hold} lets its time begin to count.
   *
   * @returns its slot, or undefined when the pool is full
   */
  take(packet: HeldPacket): number | undefined {
    if (this.#freeCount === 0) {
      return undefined;
    }
    const slot = this.#free[--this.#freeCount]!;
    this.#write(slot, packet);
    return slot;
  }

  /** A packet that was taken leaves when it is due. @param slot given by {@link DelayPool.take} */
  hold(slot: number): void {
    this.#siftUp(this.#count++, slot);
    if (this.#heap[0] === slot) {
      this.#arm();
    }
  }

  /** Ends the holding and gives back copies of what was held. */
  stop(): HeldPacket[] {
    this.#cancelTimer?.();
    return Array.from(this.#heap.subarray(0, this.#count), (slot) => copyOf(this.#read(slot)));
  }

  #arm(): void {
    this.#cancelTimer?.();
    const first = this.#count === 0 ? undefined : this.#due[this.#heap[0]!]!;
    this.#cancelTimer =
      first === undefined ? undefined : this.#timers.at('delay pool', first, () => this.#releaseDue());
  }

  #releaseDue(): void {
    const now = this.#timers.clock.nowMilliseconds();
    try {
      while (this.#count > 0) {
        const slot = this.#heap[0]!;
        if (this.#due[slot]! > now) {
          break;
        }
        this.#removeFirst();
        try {
          this.#release(this.#read(slot));
        } finally {
          this.#free[this.#freeCount++] = slot;
        }
      }
    } finally {
      // A packet that could not be released delays none of the others.
      this.#arm();
    }
  }

  #write(slot: number, { dueMilliseconds, epoch, route, packet, sender }: HeldPacket): void {
    this.#senders[slot] = sender;
    this.#due[slot] = dueMilliseconds;
    this.#epochs[slot] = epoch;
    this.#lengths[slot] = packet.length;
    this.#nextHops[slot] = route.to === 'relay' ? route.relay : route.to === 'mailbox' ? TO_MAILBOX : TO_CONTROL_CENTER;
    const chunk = (this.#chunks[Math.floor(slot / SLOTS_PER_CHUNK)] ??= new Uint8Array(SLOTS_PER_CHUNK * SLOT_LENGTH));
    const offset = (slot % SLOTS_PER_CHUNK) * SLOT_LENGTH;
    if (route.to === 'mailbox') {
      chunk.set(route.mailbox, offset);
    }
    chunk.set(packet, offset + MAILBOX_ID_LENGTH);
  }

  #read(slot: number): HeldPacket {
    const chunk = this.#chunks[Math.floor(slot / SLOTS_PER_CHUNK)]!;
    const offset = (slot % SLOTS_PER_CHUNK) * SLOT_LENGTH;
    const start = offset + MAILBOX_ID_LENGTH;
    const hop = this.#nextHops[slot]!;
    return {
      dueMilliseconds: this.#due[slot]!,
      epoch: this.#epochs[slot]!,
      sender: this.#senders[slot]!,
      route:
        hop >= 0
          ? { to: 'relay', relay: hop }
          : hop === TO_MAILBOX
            ? { to: 'mailbox', mailbox: chunk.subarray(offset, start) }
            : { to: 'control-center' },
      packet: chunk.subarray(start, start + this.#lengths[slot]!),
    };
  }

  /** Puts a slot into the heap, from its end. */
  #siftUp(end: number, slot: number): void {
    const heap = this.#heap;
    const due = this.#due;
    let index = end;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (due[heap[parent]!]! <= due[slot]!) {
        break;
      }
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = slot;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const due = this.#due;
    const count = --this.#count;
    const last = heap[count]!;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= count) {
        break;
      }
      if (child + 1 < count && due[heap[child + 1]!]! < due[heap[child]!]!) {
        child++;
      }
      if (due[heap[child]!]! >= due[last]!) {
        break;
      }
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

/** A packet with bytes of its own. */
export function copyOf(held: HeldPacket): HeldPacket {
  const { route } = held;
  return {
    ...held,
    route: route.to === 'mailbox' ? { ...route, mailbox: route.mailbox.slice() } : route,
    packet: held.packet.slice(),
  };
}
