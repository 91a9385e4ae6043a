// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { INNER_LENGTH, packetLength } from '../../protocol/onion/geometry.js';
import { wrapPacket } from '../../protocol/onion/packet.js';
import { osRandom, until } from '../../test/support/links.js';
import { TierUnderTest } from '../../test/support/tier.js';
import type { OutgoingLink } from '../links/connect.js';
import { FRAME } from '../links/frames.js';
import type { LinkIdentity } from '../links/link-identity.js';

/** Through the relays that the attacker has not taken over. */
const HONEST = [
  { relay: 1, delayMilliseconds: 500 },
  { relay: 2, delayMilliseconds: 500 },
];
const FLOOD = 20_000;

describe('a hostile neighbour of a relay', function () {
  this.timeout(60_000);
  let tier: TierUnderTest;
  let attacker: OutgoingLink;
  let attackerIdentity: LinkIdentity;

  /** The attacker has relay 0; its victim is relay 2, which relay 1 sends honest packets to. */
  const start = async (packetsToNextHop?: number, poolCapacity?: number): Promise<void> => {
    tier = new TierUnderTest();
    tier.shares = packetsToNextHop === undefined ? {} : { packetsToNextHop };
    tier.poolCapacity = poolCapacity;
    await tier.start();
    ({ identity: attackerIdentity } = await tier.corrupt(0));
    attacker = tier.connect(2, attackerIdentity);
    await until('linked', () => attacker.isUp);
  };
  afterEach(() => tier.stop());

  /** For relay 2; a packet that it opens. */
  const genuine = (delayMilliseconds = 0): Uint8Array => {
    const { epoch, relays } = tier.directory;
    const { onionKey } = relays[2]!.descriptor;
    const layer = { onionKey, delayMilliseconds, route: { to: 'control-center' } } as const;
    return wrapPacket(sodiumCrypto, { epoch, layers: [layer], inner: osRandom(INNER_LENGTH), random: osRandom })[0];
  };
  /** Of the right length and epoch; it does not open. */
  const garbage = (): Uint8Array => {
    const packet = osRandom(packetLength(1));
    packet.set(genuine().subarray(0, 3));
    return packet;
  };
  const honestPasses = async (): Promise<void> => {
    const before = tier.arrived.length;
    const meter = await tier.meter(1, `meter ${before}`);
    meter.send(FRAME.packet, tier.packet(HONEST));
    meter.send(FRAME.packet, tier.packet(HONEST));
    await tier.advance(3_000);
    assert.equal(tier.arrived.length - before, 2, 'packets of the other neighbour');
  };
  /** Lines that the relays logged of the attacker, after its slot. */
  const said = async (): Promise<Record<string, unknown>[]> => {
    await tier.advance(tier.kit.parameters.slotSeconds * 1000);
    await honestPasses();
    return tier.logged.filter(({ operator }) => operator === 'operator-0');
  };

  it('that sends packets of its own fills its part of the replay table, and no other', async () => {
    await start();
    for (let count = 0; count < 1_500; count++) {
      attacker.send(FRAME.packet, genuine());
    }
    await tier.arrivalAt(2, 1_500);
    await tier.settle();
    const { counters } = tier.relay(2);
    // The table of this tier's relays has 1,024 places, for two neighbours.
    assert.equal(counters.dropped['replay-full'], 1_500 - 512);
    await tier.advance(1_000);
    const flood = tier.arrived.length;
    assert.equal(flood, 512);
    for (let round = 0; round < 5; round++) {
      await honestPasses();
    }
    assert.equal(counters.dropped['replay-full'], 1_500 - 512);
  });

  it('that sends all its packets to one next hop has half of that way, and the other has its part of the rest', async () => {
    await start(200);
    for (let count = 0; count < 300; count++) {
      attacker.send(FRAME.packet, genuine());
    }
    await tier.arrivalAt(2, 300);
    await tier.advance(1_000);
    assert.equal(tier.arrived.length, 100);
    assert.equal(tier.relay(2).counters.dropped['over-share'], 200);
    await honestPasses();
  });

  it('that sends packets with long delays fills its part of the pool, and no other', async () => {
    await start(undefined, 100);
    for (let count = 0; count < 150; count++) {
      attacker.send(FRAME.packet, genuine(19_000));
    }
    await tier.arrivalAt(2, 150);
    await tier.settle();
    assert.equal(tier.relay(2).counters.dropped['pool-full'], 150 - 50);
    await honestPasses();
  });

  it('that sends more than its share is slowed, then refused, in one line of the log; the other does not notice', async () => {
    await start(200);
    const packet = garbage();
    for (let count = 0; count < 5_000; count++) {
      attacker.send(FRAME.packet, packet);
    }
    await until('slowed', () => tier.relay(2).counters.dropped['over-share'] > 0);
    await until('refused', () => tier.relay(2).counters.linksCut > 0);
    const { counters } = tier.relay(2);
    // Twice the share at once, as many again until it is refused, and what one read brings.
    assert.ok(counters.received <= 2 * 200 + 200 + 1 + 32, `${counters.received} of 5,000 were taken`);
    assert.equal(counters.dropped['not-genuine'], 400);
    await until('refused again', () => counters.linksRefused > 1);
    await honestPasses();
    const lines = await said();
    assert.equal(lines.length, 1);
    assert.deepEqual([lines[0]!['over'], lines[0]!['refused']], [counters.dropped['over-share'], true]);
  });

  it('that sends 20,000 frames of two bytes is refused after 17, in one line of the log', async () => {
    await start();
    for (let count = 0; count < FLOOD; count++) {
      attacker.send(FRAME.packet, Uint8Array.of(1, 2));
    }
    await until('refused', () => tier.relay(2).counters.linksCut > 0);
    await honestPasses();
    const lines = await said();
    assert.equal(lines.length, 1);
    assert.equal(lines[0]!['refused'], true);
  });

  it('that sends garbage in place of frames, or a frame that its role has none of, loses the link', async () => {
    await start();
    attacker.send(FRAME.mailboxDrain, new Uint8Array(8));
    await until('closed', () => tier.relay(2).counters.linksCut === 1);
    await honestPasses();
  });

  it('that opens links without end has four of them; the other neighbour has its own', async () => {
    await start();
    const links = Array.from({ length: 40 }, () => tier.connect(2, attackerIdentity));
    const isUp = (): number => [attacker, ...links].filter((link) => link.isUp).length;
    await until('the newest are linked', () => links.at(-1)!.isUp);
    await until('four are left', () => isUp() <= 4);
    await honestPasses();
    await Promise.all(links.map((link) => link.close()));
  });
});
