// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { INNER_LENGTH, MAXIMUM_LAYERS, packetLength } from '../../../protocol/onion/geometry.js';
import { SteppedClock } from '../../runtime/clock.js';
import { MAILBOX_BATCH, MAILBOX_CAPACITY } from '../../links/frames.js';
import { seedOf, timersOn } from '../../../test/support/links.js';
import { copyOf, DelayPool, type HeldPacket } from './delay-pool.js';
import { HeldFile, NOTHING_HELD } from './held-file.js';
import { Mailboxes } from './mailboxes.js';
import { FileKey } from '../../runtime/sealed-file.js';

const held = (dueMilliseconds: number): HeldPacket => ({
  dueMilliseconds,
  epoch: 1,
  route: { to: 'control-center' },
  packet: new Uint8Array(4),
  sender: 0,
});

describe('delay pool', () => {
  it('releases every packet at its time and in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 200 }), (dues) => {
        const clock = new SteppedClock(0);
        const released: number[] = [];
        const pool = new DelayPool(timersOn(clock), 1_000, ({ dueMilliseconds }) => {
          assert.equal(clock.nowMilliseconds(), dueMilliseconds);
          released.push(dueMilliseconds);
        });
        for (const due of dues) {
          pool.hold(pool.take(held(due))!);
        }
        clock.advance(500);
        assert.equal(pool.size, dues.filter((due) => due > 500).length);
        clock.advance(2_000);
        assert.deepEqual(
          released,
          [...dues].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('holds no more than its capacity, and gives back what it holds', () => {
    const clock = new SteppedClock(0);
    const pool = new DelayPool(timersOn(clock), 2, () => assert.fail('released after the stop'));
    const slots = [held(5), held(6), held(7)].map((packet) => pool.take(packet));
    assert.deepEqual([slots[0] !== undefined, slots[1] !== undefined, slots[2]], [true, true, undefined]);
    assert.equal(pool.size, 2);
    pool.hold(slots[1]!);
    assert.deepEqual(pool.stop(), [held(6)], 'what was only taken has no right to leave');
    clock.advance(10);
  });

  it('has a copy of each packet, whatever becomes of its bytes, and room again for as many as have left', () => {
    const bytes = (number: number, length: number): Uint8Array => new Uint8Array(length).fill(number);
    const packet = (number: number): HeldPacket => {
      const routes = [
        { to: 'relay', relay: 65_535 - number },
        { to: 'control-center' },
        { to: 'mailbox', mailbox: bytes(number, 8) },
      ] as const;
      const length = packetLength(number % MAXIMUM_LAYERS);
      const route = routes[number % 3]!;
      return { dueMilliseconds: number + 1, epoch: number, route, packet: bytes(number, length), sender: 3 * number };
    };
    const clock = new SteppedClock(0);
    const released: HeldPacket[] = [];
    // More than one piece of memory.
    const pool = new DelayPool(timersOn(clock), 1_500, (leaving) => released.push(copyOf(leaving)));
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 1_500; number++) {
        const given = packet(1_500 * round + number);
        const slot = pool.take(given)!;
        given.packet.fill(0);
        if (given.route.to === 'mailbox') {
          given.route.mailbox.fill(0);
        }
        pool.hold(slot);
      }
      assert.equal(pool.take(held(1)), undefined);
      clock.advance(1_500 * (round + 1));
      assert.equal(pool.size, 0);
    }
    assert.deepEqual(
      released,
      Array.from({ length: 4_500 }, (_, number) => packet(number)),
    );
  });
});

describe('mailboxes', () => {
  const id = (number: number): Uint8Array => new Uint8Array(8).fill(number);
  const packet = (number: number): Uint8Array => Uint8Array.of(number & 255, number >> 8);
  const numbers = (packets: readonly Uint8Array[]): number[] => packets.map(([low, high]) => low! + 256 * high!);

  it('hand out in order, repeat until acknowledged, and count on', () => {
    const mailboxes = new Mailboxes();
    mailboxes.open(id(1));
    assert.deepEqual(mailboxes.drain(id(1), 0n), { lastNumber: 0n, more: false, packets: [] });
    for (let number = 1; number <= 6; number++) {
      assert.ok(mailboxes.put(id(1), packet(number), 1, 2));
    }
    const first = mailboxes.drain(id(1), 0n)!;
    assert.deepEqual([first.lastNumber, first.more, numbers(first.packets)], [4n, true, [1, 2, 3, 4]]);
    assert.deepEqual(mailboxes.drain(id(1), 0n), first);
    const second = mailboxes.drain(id(1), 4n)!;
    assert.deepEqual([second.lastNumber, second.more, numbers(second.packets)], [6n, false, [5, 6]]);
    assert.equal(mailboxes.packetCount, 2);
    assert.deepEqual(mailboxes.drain(id(1), 6n), { lastNumber: 6n, more: false, packets: [] });
    assert.deepEqual(mailboxes.drain(id(1), 2n ** 64n - 1n)!.packets, []);
    mailboxes.put(id(1), packet(7), 1, 2);
    assert.deepEqual(mailboxes.drain(id(1), 6n)!.lastNumber, 7n);
  });

  it('do not exist until they are opened', () => {
    const mailboxes = new Mailboxes();
    assert.ok(!mailboxes.put(id(1), packet(1), 1, 2));
    assert.equal(mailboxes.drain(id(1), 0n), undefined);
    mailboxes.open(id(1));
    mailboxes.put(id(1), packet(1), 1, 2);
    mailboxes.open(id(1));
    assert.equal(mailboxes.drain(id(1), 0n)!.packets.length, 1, 'opened again, nothing is lost');
    assert.equal(mailboxes.drain(id(2), 0n), undefined);
  });

  it('lose their oldest packet when they are full', () => {
    const mailboxes = new Mailboxes();
    mailboxes.open(id(1));
    for (let number = 1; number <= MAILBOX_CAPACITY + 10; number++) {
      mailboxes.put(id(1), packet(number), 1, 2);
    }
    assert.equal(mailboxes.packetCount, MAILBOX_CAPACITY);
    const drained = mailboxes.drain(id(1), 0n)!;
    assert.equal(numbers(drained.packets)[0], 11);
    assert.equal(drained.lastNumber, 10n + BigInt(MAILBOX_BATCH));
  });

  it('lose, when one neighbour floods them, the packets of that neighbour', () => {
    const mailboxes = new Mailboxes();
    mailboxes.open(id(1));
    for (let number = 1; number <= 6; number++) {
      mailboxes.put(id(1), packet(number), 1, 2);
    }
    const given = mailboxes.drain(id(1), 0n)!;
    for (let number = 0; number < 3 * MAILBOX_CAPACITY; number++) {
      mailboxes.put(id(1), packet(10_000), 2, 2);
    }
    for (let number = 7; number <= 8; number++) {
      mailboxes.put(id(1), packet(number), 1, 2);
    }
    assert.equal(mailboxes.packetCount, MAILBOX_CAPACITY);
    const got = new Set(numbers(given.packets));
    for (let received = given.lastNumber, more = true; more;) {
      const drained = mailboxes.drain(id(1), received)!;
      numbers(drained.packets).forEach((number) => got.add(number));
      ({ lastNumber: received, more } = drained);
    }
    assert.deepEqual(
      [...got].sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 10_000],
    );
  });

  it('have room for every neighbour, when one has filled its part of all of them', () => {
    const mailboxes = new Mailboxes();
    const wide = (number: number): Uint8Array => Uint8Array.of(number >> 8, number & 255, 0, 0, 0, 0, 0, 0);
    const tiny = packet(1);
    let taken = 0;
    for (let box = 0; box < 300; box++) {
      mailboxes.open(wide(box));
      for (let number = 0; number < MAILBOX_CAPACITY; number++) {
        taken += mailboxes.put(wide(box), tiny, 1, 2) ? 1 : 0;
      }
    }
    assert.equal(taken, 2 ** 18, 'half of all');
    assert.ok(mailboxes.put(wide(299), tiny, 2, 2));
  });

  it('are bounded in number: the one unused for longest is dropped', () => {
    const mailboxes = new Mailboxes();
    const wide = (number: number): Uint8Array => Uint8Array.of(number >> 8, number & 255, 0, 0, 0, 0, 0, 0);
    for (let number = 0; number < 5_000; number++) {
      mailboxes.open(wide(number));
    }
    mailboxes.put(wide(1), packet(1), 1, 2);
    mailboxes.drain(wide(0), 0n);
    mailboxes.open(wide(5_000));
    assert.equal(mailboxes.size, 5_000);
    assert.equal(mailboxes.packetCount, 0);
    assert.ok(mailboxes.put(wide(0), packet(1), 1, 2));
    assert.ok(!mailboxes.put(wide(1), packet(1), 1, 2));
  });
});

describe('held file', () => {
  it('gives back once what was saved', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gridveil-held-'));
    const file = new HeldFile(join(directory, 'held'), new FileKey(seedOf('file key'), 'relay', 'held'));
    assert.deepEqual(await file.take(), NOTHING_HELD);
    const inner = (byte: number): Uint8Array => new Uint8Array(INNER_LENGTH).fill(byte);
    const saved = {
      packets: [
        { ...held(1_384_131_600_123), packet: inner(1) },
        { ...held(7), route: { to: 'relay', relay: 513 } as const, packet: Uint8Array.of(1, 2, 3) },
        { ...held(8), route: { to: 'mailbox', mailbox: new Uint8Array(8).fill(9) } as const },
      ],
      mailboxes: new Map([
        ['0102030405060708', { firstNumber: 2n ** 40n, packets: [inner(2), inner(3)] }],
        ['ffffffffffffffff', { firstNumber: 1n, packets: [] }],
      ]),
    };
    await file.save(saved);
    assert.deepEqual(await file.take(), saved);
    assert.deepEqual(await file.take(), NOTHING_HELD);
    await rm(directory, { recursive: true });
  });
});
