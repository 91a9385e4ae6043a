// SPDX-License-Identifier: Apache-2.0
import type { PacketRoute } from '../../protocol/onion/packet.js';
import type { Clock, Timer } from '../common/clock.js';

/** A packet that a relay holds for the time its sender drew. */
export interface HeldPacket {
  /** When it goes on, Unix milliseconds. */
  readonly dueMilliseconds: number;
  readonly epoch: number;
  readonly route: PacketRoute;
  readonly packet: Uint8Array;
}

/**
 * Packets by due time: a binary heap with one timer of the clock for the first of them. A timer for each packet would
 * cost more than the packet.
 */
export class DelayPool {
  private readonly heap: HeldPacket[] = [];
  private timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly capacity: number,
    private readonly release: (packet: HeldPacket) => void,
  ) {}

  get size(): number {
    return this.heap.length;
  }

  /** Holds a packet. @returns false when the pool is full */
  add(packet: HeldPacket): boolean {
    if (this.heap.length >= this.capacity) return false;
    this.push(packet);
    if (this.heap[0] === packet) this.arm();
    return true;
  }

  /** Ends the holding and gives back what was held. */
  stop(): HeldPacket[] {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    return this.heap.splice(0);
  }

  private arm(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    const first = this.heap[0];
    this.timer = first && this.clock.setTimer(first.dueMilliseconds, () => this.releaseDue());
  }

  private releaseDue(): void {
    this.timer = undefined;
    const now = this.clock.nowMilliseconds();
    for (let first = this.heap[0]; first !== undefined && first.dueMilliseconds <= now; first = this.heap[0]) {
      this.removeFirst();
      this.release(first);
    }
    this.arm();
  }

  private push(packet: HeldPacket): void {
    const { heap } = this;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.dueMilliseconds <= packet.dueMilliseconds) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = packet;
  }

  private removeFirst(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.dueMilliseconds < heap[child]!.dueMilliseconds) child++;
      if (heap[child]!.dueMilliseconds >= last.dueMilliseconds) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
