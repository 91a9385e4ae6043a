// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import type { Directory } from '../../../protocol/onion/directory-format.js';
import { INNER_LENGTH } from '../../../protocol/onion/geometry.js';
import { wrapPacket } from '../../../protocol/onion/packet.js';
import { SteppedClock } from '../../runtime/clock.js';
import type { LinkPool } from '../../links/connect.js';
import { osRandom, seedOf, timersOn, until } from '../../../test/support/links.js';
import { LoopWatch } from '../../links/loop-watch.js';
import { Counters } from '../counters.js';
import type { LiveEpoch } from '../epochs.js';
import { Mailboxes } from './mailboxes.js';
import { PacketHandler } from './packet-handler.js';
import { ReplayStore } from './replay-store.js';

const EPOCH = 3;
const DELAY_MILLISECONDS = 1_000;
const LINK = { pin: seedOf('link') };

/** Of a relay with two relays in the layer before, which may fill the half of everything. */
const SHARES = { senders: 2, tagsOfSender: 2_048, packetsFromRelay: 2_000, packetsToNextHop: 2_000 };

describe('packet handler', () => {
  let directory: string;
  let clock: SteppedClock;
  let counters: Counters;
  let replay: ReplayStore;
  let handler: PacketHandler;
  let sent: Uint8Array[];
  let packets: Uint8Array[];
  const work = (): number => clock.state().work;

  before(() => {
    const layer = { onionKey: sodiumCrypto.x25519PublicKey(seedOf('relay')), delayMilliseconds: DELAY_MILLISECONDS };
    const layers = [{ ...layer, route: { to: 'control-center' } }] as const;
    packets = Array.from(
      { length: 1_300 },
      () => wrapPacket(sodiumCrypto, { epoch: EPOCH, layers, inner: osRandom(INNER_LENGTH), random: osRandom })[0],
    );
  });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-handler-'));
    clock = new SteppedClock(0);
    counters = new Counters();
    replay = await ReplayStore.open(join(directory, 'tags'), seedOf('replay'), 4_096);
    sent = [];
    const secretKey = seedOf('relay');
    const live = {
      epoch: EPOCH,
      key: { epoch: EPOCH, secretKey, publicKey: sodiumCrypto.x25519PublicKey(secretKey) },
      replay,
      layersLeft: 1,
      maximumDelayMilliseconds: 20_000,
      next: [],
      controlCenter: { address: 'control-center.invalid:7000', pin: seedOf('control center') },
      directory: {} as Directory,
      index: 0,
      ...SHARES,
      tags: new Map(),
    } satisfies LiveEpoch;
    handler = new PacketHandler({
      timers: timersOn(clock),
      counters,
      epochs: { get: (epoch) => (epoch === EPOCH ? live : undefined), flush: () => replay.flush() },
      mailboxes: new Mailboxes(),
      links: {
        link: () => ({ send: (_type: unknown, packet: Uint8Array) => sent.push(packet.slice()) > 0 }),
      } as unknown as LinkPool,
      poolCapacity: 2_000,
      timing: { intervalSeconds: 1_800, slotSeconds: 300, epochOriginSeconds: 0 },
      onFailure: (error) => assert.fail(String(error)),
      trace: undefined,
      loops: new LoopWatch(timersOn(clock), { onCutOff: () => assert.fail('cut off') }),
    });
  });
  afterEach(async () => {
    await replay.close();
    await rm(directory, { recursive: true });
  });

  it('counts a packet’s time from when it came, however long it waited to be opened', async () => {
    void handler.accept(LINK, packets[0]!);
    clock.advance(400);
    await until('opened and written', () => work() === 0);
    clock.advance(DELAY_MILLISECONDS - 1);
    assert.equal(sent.length, 0);
    clock.advance(DELAY_MILLISECONDS);
    assert.equal(sent.length, 1);
  });

  it('opens a burst in turns, between which other work continues, and in the order in which it came', async () => {
    for (const packet of packets.slice(0, 1_000)) {
      void handler.accept(LINK, packet);
    }
    const received = (): number => counters.received;
    assert.equal(received(), 0, 'nothing is opened while it is read');
    assert.ok(work() > 0, 'simulated time waits for what waits');
    let turns = 0;
    for (let before = 0; received() < 1_000; before = received()) {
      await nextTurn();
      if (received() > before) {
        turns++;
      }
    }
    // 1,000 packets take more than 20 ms on any machine, and a turn takes four.
    assert.ok(turns >= 3, `${turns} turns`);
    await until('written', () => work() === 0);
    clock.advance(DELAY_MILLISECONDS);
    assert.equal(sent.length, 1_000);
    assert.equal(counters.forwarded, 1_000);
  });

  it('asks for a pause when many wait, until half of them are opened', async () => {
    const answers = packets.map((packet) => handler.accept(LINK, packet));
    assert.equal(
      answers.findIndex((answer) => answer !== undefined),
      1_023,
    );
    const pauses = answers.slice(1_023);
    assert.ok(
      pauses.every((pause) => pause === pauses[0]),
      'one for all',
    );
    await pauses[0];
    const waiting = packets.length - counters.received;
    assert.ok(waiting > 0 && waiting <= 512, `${waiting} wait`);
    await until('opened and written', () => work() === 0);
    assert.equal(counters.received, packets.length);
    assert.equal(handler.accept(LINK, packets[0]!), undefined);
    await until('opened again', () => work() === 0);
    assert.equal(counters.dropped.replay, 1);
  });

  it('opens what waits before it stops, and loses none of it', async () => {
    for (const packet of packets.slice(0, 100)) {
      void handler.accept(LINK, packet);
    }
    const held = await handler.stop();
    assert.equal(held.length, 100);
    assert.ok(held.every(({ dueMilliseconds }) => dueMilliseconds === DELAY_MILLISECONDS));
    assert.equal(replay.size, 100);
    await nextTurn();
    assert.equal(work(), 0);
  });
});
