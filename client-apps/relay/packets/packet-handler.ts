// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { encapsulatedKey, packetEpoch, peelPacket, type PeeledPacket } from '../../../protocol/onion/packet.js';
import { packetLength, plaintextLength } from '../../../protocol/onion/geometry.js';
import { slotAt, type SlotTiming } from '../../../protocol/schedule/slots.js';
import type { CancelTimer, Timers } from '../../runtime/timers.js';
import type { LinkPool } from '../../links/connect.js';
import { FRAME } from '../../links/frames.js';
import type { Link } from '../../links/link.js';
import type { LoopWatch } from '../../links/loop-watch.js';
import type { Counters, DropReason } from '../counters.js';
import { copyOf, DelayPool, type HeldPacket } from './delay-pool.js';
import { Senders } from './senders.js';
import type { Epochs, LiveEpoch } from '../epochs.js';
import type { Mailboxes } from './mailboxes.js';
import type { UnsafeTrace } from '../trace.js';

/**
 * Time for which a relay that is cut off holds packets back, beyond their drawn delays. Then they are dropped; the
 * meters see in the sealed index what is missing and send it again.
 */
const HOLD_BACK_MILLISECONDS = 60_000;

/**
 * Longest time for opening packets in one turn of the event loop, real milliseconds. Between two turns due packets
 * leave and arrived ones are read; otherwise a burst would delay every held packet.
 */
const TURN_MILLISECONDS = 4;

/** Maximum number of packets waiting to be opened, 50 to 100 ms of work; beyond it their links are not read. */
const MOST_WAITING = 1_024;

/** Parts of a relay that its packets pass. */
export interface PacketHandlerParts {
  readonly timers: Timers;
  readonly counters: Counters;
  readonly epochs: Pick<Epochs, 'get' | 'flush'>;
  readonly mailboxes: Mailboxes;
  readonly links: Pick<LinkPool, 'link'>;
  readonly poolCapacity: number;
  readonly timing: SlotTiming;
  /** Replay tags cannot be written to disk any more: the relay must stop. */
  readonly onFailure: (error: unknown) => void;
  readonly trace: UnsafeTrace | undefined;
  /** The relay's own loops; call {@link PacketHandler.resumeReleasing} when they return. */
  readonly loops: LoopWatch;
}

/** A packet that arrived and is not opened yet. */
interface WaitingPacket {
  /** Of the link it came on. */
  readonly pin: Uint8Array;
  readonly packet: Uint8Array;
  readonly cameMilliseconds: number;
}

/**
 * Processes the packets of a relay: checks, peels, writes the replay tag to disk, delays, forwards. An invalid packet
 * is dropped silently and counted. While none of the relay's own loops returns, an attacker may be letting single
 * packets through to see where they go (the n − 1 attack): the relay then forwards nothing.
 */
export class PacketHandler {
  readonly pool: DelayPool;
  /** In the order of arrival; those before `opened` are processed. */
  #waiting: WaitingPacket[] = [];
  #opened = 0;
  #endTurns: (() => void) | undefined;
  /** Resolves when the links may be read again. */
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  /** Slots in the pool of packets whose tags are not on disk yet. */
  #uncommitted: number[] = [];
  /** Buffers for opened packets, by layers: a packet needs no memory but the pool's. */
  readonly #plaintexts: Uint8Array[] = [];
  #committing: Promise<void> | undefined;
  /** Due while the relay was cut off; those that were due first come first. */
  #heldBack: HeldPacket[] = [];
  #cancelHoldBack: CancelTimer | undefined;
  readonly #senders = new Senders();

  readonly #timers: Timers;
  readonly #counters: Counters;
  readonly #epochs: PacketHandlerParts['epochs'];
  readonly #mailboxes: Mailboxes;
  readonly #links: PacketHandlerParts['links'];
  readonly #options: Pick<PacketHandlerParts, 'poolCapacity' | 'timing' | 'onFailure' | 'trace' | 'loops'>;

  constructor({ timers, counters, epochs, mailboxes, links, ...options }: PacketHandlerParts) {
    this.#timers = timers;
    this.#counters = counters;
    this.#epochs = epochs;
    this.#mailboxes = mailboxes;
    this.#links = links;
    this.#options = options;

    this.pool = new DelayPool(timers, options.poolCapacity, (packet) => {
      this.#senders.numbered(packet.sender).held--;
      this.#release(packet);
    });
  }

  /**
   * Accepts a packet that is within the share of its link. Its delay counts from now, however long it waits to be opened.
   *
   * @returns undefined, or, when many wait, a promise that resolves when there is room for more
   */
  accept({ pin }: Pick<Link, 'pin'>, packet: Uint8Array): void | Promise<void> {
    this.#waiting.push({ pin, packet, cameMilliseconds: this.#timers.clock.nowMilliseconds() });
    if (this.#endTurns === undefined) {
      this.#endTurns = this.#timers.clock.activity.begin('packets');
      this.#nextTurn();
    }
    if (this.#waiting.length - this.#opened < MOST_WAITING) {
      return;
    }
    this.#room ??= makeRoom();
    return this.#room.promise;
  }

  /** Opens some of the waiting packets, and continues in the next turn of the event loop. */
  #turn(): void {
    this.#openWaiting(performance.now() + TURN_MILLISECONDS);
    if (this.#endTurns !== undefined) {
      this.#nextTurn();
    }
  }

  /** After a failure the packets that still wait have their turn with the next that comes. */
  #nextTurn(): void {
    this.#timers.soon(
      'packets',
      () => this.#turn(),
      () => this.#endOfTurns(),
    );
  }

  #endOfTurns(): void {
    this.#endTurns?.();
    this.#endTurns = undefined;
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** @param end when to stop, by `performance.now` */
  #openWaiting(end: number): void {
    while (this.#opened < this.#waiting.length) {
      const packet = this.#waiting[this.#opened++]!;
      void this.#timers.run('packet', () => this.#open(packet));
      // While links are paused there is more than can be done, and long turns, which cost less a packet, do more of it.
      if (this.#room === undefined && performance.now() >= end) {
        break;
      }
      if (2 * (this.#waiting.length - this.#opened) > MOST_WAITING) {
        continue;
      }
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#opened === this.#waiting.length) {
      this.#endTurns?.();
      this.#endTurns = undefined;
    } else if (this.#opened < MOST_WAITING) {
      return;
    }
    this.#waiting.splice(0, this.#opened);
    this.#opened = 0;
  }

  #open({ pin, packet, cameMilliseconds }: WaitingPacket): void {
    this.#counters.received++;
    const epoch = packetEpoch(packet);
    const live = epoch === undefined ? undefined : this.#epochs.get(epoch);
    if (live === undefined) {
      this.#drop('unknown-epoch');
      return;
    }
    if (packet.length !== packetLength(live.layersLeft)) {
      this.#drop('not-genuine');
      return;
    }
    // A known packet is dropped before any cryptography; only a genuine one is remembered, or an attacker could fill
    // the table.
    const encapsulated = encapsulatedKey(packet);
    const tag = live.replay.tag(encapsulated);
    if (live.replay.has(tag)) {
      this.#drop('replay');
      return;
    }
    const sender = this.#senders.of(pin);
    const tags = live.tags.get(sender.number) ?? 0;
    if (live.replay.isFull || tags >= live.tagsOfSender) {
      this.#drop('replay-full');
      return;
    }
    const peeled = this.#peel(live, packet);
    if (peeled === undefined) {
      this.#drop('not-genuine');
      return;
    }
    live.replay.add(tag);
    live.tags.set(sender.number, tags + 1);
    this.#options.loops.came(encapsulated);
    const fault = routeFault(live, peeled);
    if (fault !== undefined) {
      this.#drop(fault);
      return;
    }
    this.#options.trace?.arrived(peeled.packet, pin, packet);
    const held = {
      dueMilliseconds: cameMilliseconds + peeled.delayMilliseconds,
      epoch: live.epoch,
      route: peeled.route,
      packet: peeled.packet,
      sender: sender.number,
    };
    // In the first layer an equal part is less than a meter sends; its packets a slot are bound enough.
    const isOver = live.tagsOfSender !== Infinity && sender.held >= this.#options.poolCapacity / live.senders;
    const slot = isOver ? undefined : this.pool.take(held);
    if (slot === undefined) {
      this.#drop('pool-full');
      return;
    }
    sender.held++;
    this.#uncommitted.push(slot);
    this.#committing ??= this.#timers.clock.activity.track('replay tags', this.#commit());
  }

  /** Holds packets that were held before a restart. */
  resume(packets: readonly HeldPacket[]): void {
    for (const packet of packets) {
      const slot = this.pool.take(packet);
      if (slot === undefined) {
        this.#drop('pool-full');
      } else {
        this.#senders.numbered(packet.sender).held++;
        this.pool.hold(slot);
      }
    }
  }

  /** Opens what waits, waits until all tags are on disk, and gives back what is held. Call it when no more can come. */
  async stop(): Promise<HeldPacket[]> {
    this.#openWaiting(Infinity);
    await this.#committing;
    this.#cancelHoldBack?.();
    return [...this.#heldBack.splice(0), ...this.pool.stop()];
  }

  /** Resumes forwarding: all packets held back are forwarded at once. */
  resumeReleasing(): void {
    for (const packet of this.#heldBack.splice(0)) {
      this.#release(packet);
    }
  }

  #peel(live: LiveEpoch, packet: Uint8Array): PeeledPacket | undefined {
    const { key, layersLeft } = live;
    const plaintext = (this.#plaintexts[layersLeft] ??= new Uint8Array(plaintextLength(layersLeft)));
    try {
      return peelPacket(sodiumCrypto, { key, layersLeft, packet, output: plaintext });
    } catch (error) {
      if (error instanceof ProtocolError) {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Group commit: all packets that came while the last tags were written go to disk together. A packet is held, and so
   * can leave, only after its tag is on disk; otherwise a crash would let a replay of it through.
   */
  async #commit(): Promise<void> {
    try {
      while (this.#uncommitted.length > 0) {
        const committed = this.#uncommitted;
        this.#uncommitted = [];
        await this.#epochs.flush();
        for (const slot of committed) {
          this.pool.hold(slot);
        }
      }
    } catch (error) {
      this.#options.onFailure(error);
    } finally {
      this.#committing = undefined;
    }
  }

  #release(held: HeldPacket): void {
    if (this.#options.loops.isCutOff) {
      this.#holdBack(held);
      return;
    }
    const { epoch, route, packet, sender } = held;
    const live = this.#epochs.get(epoch);
    if (live === undefined) {
      this.#drop('unknown-epoch');
      return;
    }
    if (route.to === 'mailbox') {
      if (!this.#mailboxes.put(route.mailbox, packet, sender, live.senders)) {
        this.#drop('no-mailbox');
        return;
      }
      this.#options.trace?.left(packet, route.to, route.mailbox);
    } else {
      const target = route.to === 'relay' ? live.next[route.relay] : live.controlCenter;
      if (target === undefined) {
        this.#drop('bad-route');
        return;
      }
      const limits = { packets: live.packetsToNextHop, senders: live.senders };
      if (!this.#senders.mayForward(sender, toHex(target.pin), limits, this.#slotStart())) {
        this.#drop('over-share');
        return;
      }
      if (!this.#links.link(target).send(FRAME.packet, packet)) {
        this.#drop('queue-full');
        return;
      }
      this.#options.trace?.left(packet, route.to, target.pin);
    }
    this.#counters.forwarded++;
  }

  #holdBack(packet: HeldPacket): void {
    if (this.#heldBack.length >= this.#options.poolCapacity) {
      this.#drop('pool-full');
      return;
    }
    this.#heldBack.push(copyOf(packet));
    this.#cancelHoldBack ??= this.#dropWhenTooLate(packet);
  }

  #dropWhenTooLate({ dueMilliseconds }: HeldPacket): CancelTimer {
    const dropLate = (): void => {
      const latest = this.#timers.clock.nowMilliseconds() - HOLD_BACK_MILLISECONDS;
      const kept = this.#heldBack.filter((packet) => packet.dueMilliseconds > latest);
      this.#counters.dropped['cut-off'] += this.#heldBack.length - kept.length;
      this.#heldBack = kept;
      const [first] = kept;
      this.#cancelHoldBack = first && this.#dropWhenTooLate(first);
    };
    return this.#timers.at('held back', dueMilliseconds + HOLD_BACK_MILLISECONDS, dropLate, () => {
      this.#cancelHoldBack = undefined;
    });
  }

  #slotStart(): number {
    return slotAt(this.#options.timing, this.#timers.clock.nowMilliseconds() / 1000).startSeconds;
  }

  #drop(reason: DropReason): void {
    this.#counters.dropped[reason]++;
  }
}

function makeRoom(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

function routeFault(live: LiveEpoch, { route, delayMilliseconds }: PeeledPacket): DropReason | undefined {
  if (route.to === 'relay' && live.next[route.relay] === undefined) {
    return 'bad-route';
  }
  return delayMilliseconds > live.maximumDelayMilliseconds ? 'delay-too-long' : undefined;
}
