// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { epochStartSeconds } from '../../protocol/schedule/epochs.js';
import { INNER_LENGTH, packetLength } from '../../protocol/onion/geometry.js';
import type { PacketDestination } from '../../protocol/onion/path.js';
import type { ClientError } from '../runtime/errors.js';
import { FRAME } from '../links/frames.js';
import { linkKeyFromSeed, selfIssuedIdentity } from '../links/link-identity.js';
import { ALWAYS, osRandom, seedOf, timersOn, until } from '../../test/support/links.js';
import { MailboxClient } from '../links/mailbox-client.js';
import { mailboxIdOf } from '../links/mailbox-frames.js';
import { TierUnderTest } from '../../test/support/tier.js';

const FAST = [
  { relay: 0, delayMilliseconds: 1_500 },
  { relay: 2, delayMilliseconds: 2_500 },
];

describe('relay', function () {
  this.timeout(60_000);
  let tier: TierUnderTest;

  beforeEach(async () => {
    tier = new TierUnderTest();
    await tier.start();
  });
  afterEach(() => tier.stop());

  const mailboxOf = (name: string): PacketDestination => ({
    to: 'mailbox',
    relay: 2,
    mailbox: mailboxIdOf(linkKeyFromSeed(seedOf(name)).pin),
  });
  const hub = async (name: string): Promise<MailboxClient> => {
    const identity = await tier.certified(name, 'hub');
    return new MailboxClient(tier.target(2), { identity, timers: timersOn(tier.clock), random: osRandom });
  };

  it('passes packets on to the control center, after the delays that their sender drew', async () => {
    const meter = await tier.meter(0);
    const sentAt = tier.clock.nowMilliseconds();
    const packets = [tier.packet(FAST), tier.packet(FAST)];
    for (const packet of packets) {
      meter.send(FRAME.packet, packet);
    }
    await tier.advance(3_900);
    assert.equal(tier.arrived.length, 0);
    await tier.advance(1_200);
    assert.equal(tier.arrived.length, 2);
    for (const { packet, atMilliseconds } of tier.arrived) {
      assert.equal(packet.length, INNER_LENGTH);
      assert.ok(atMilliseconds - sentAt >= 4_000);
    }
    assert.equal(tier.relay(0).counters.forwarded, 2);
    assert.equal(tier.relay(2).counters.forwarded, 2);
    assert.equal(tier.relay(1).counters.received, 0);
  });

  it('keeps packets for a hub that has opened its mailbox, and for no other', async () => {
    const client = await hub('hub');
    assert.deepEqual(await client.drain(), []);
    const meter = await tier.meter(0);
    meter.send(FRAME.packet, tier.packet(FAST, mailboxOf('hub')));
    meter.send(FRAME.packet, tier.packet(FAST, mailboxOf('a hub that never came')));
    await tier.advance(6_000);
    const packets = await client.drain();
    assert.deepEqual(
      packets.map(({ length }) => length),
      [INNER_LENGTH],
    );
    assert.deepEqual(await client.drain(), [], 'acknowledged by the next drain');
    assert.equal(tier.relay(2).counters.dropped['no-mailbox'], 1);
    await client.close();
  });

  it('gives a mailbox to the hub whose key it belongs to, and to no other', async () => {
    const owner = await hub('owner');
    await owner.drain();
    (await tier.meter(0)).send(FRAME.packet, tier.packet(FAST, mailboxOf('owner')));
    await tier.advance(6_000);
    const thief = await hub('thief');
    assert.deepEqual(await thief.drain(), []);
    assert.equal((await owner.drain()).length, 1);
    await owner.close();
    await thief.close();
  });

  it('drops a replay in silence, at once, after a restart and on another link', async () => {
    const packet = tier.packet(FAST);
    const meter = await tier.meter(0);
    meter.send(FRAME.packet, packet);
    meter.send(FRAME.packet, packet);
    await tier.advance(5_000);
    assert.equal(tier.arrived.length, 1);
    assert.equal(tier.relay(0).counters.dropped.replay, 1);
    await meter.close();
    await tier.relay(0).stop();
    await tier.startRelay(0);
    const again = await tier.meter(0, 'another meter');
    again.send(FRAME.packet, packet);
    await tier.advance(5_000);
    assert.equal(tier.relay(0).counters.dropped.replay, 1, 'counted anew by the new process');
    assert.equal(tier.arrived.length, 1);
    assert.ok(again.isUp, 'a bad packet is not answered, not even by a closed link');
  });

  it('accepts no replay after kill -9, neither of what it had passed on nor of what it held', async () => {
    const slow = [{ relay: 0, delayMilliseconds: 15_000 }, FAST[1]!];
    const packets = [tier.packet(FAST), tier.packet(slow)];
    const meter = await tier.meter(0);
    for (const packet of packets) {
      meter.send(FRAME.packet, packet);
    }
    await tier.advance(5_000);
    assert.equal(tier.arrived.length, 1);
    // What stands on the disk while it runs is what kill -9 leaves.
    const left = `${tier.relayDirectory(0)} after a kill`;
    await cp(tier.relayDirectory(0), left, { recursive: true });
    await tier.relay(0).stop();
    await tier.startRelay(0, { directory: left });
    const again = await tier.meter(0, 'another meter');
    for (const packet of packets) {
      again.send(FRAME.packet, packet);
    }
    await tier.advance(20_000);
    assert.equal(tier.relay(0).counters.dropped.replay, 2);
    assert.equal(tier.arrived.length, 1);
  });

  it('drops what is not genuine in silence, whatever is wrong with it', async () => {
    const good = tier.packet(FAST);
    const changed = (position: number): Uint8Array => good.map((byte, index) => (index === position ? byte ^ 1 : byte));
    const bad: [string, Uint8Array][] = [
      ['unknown-epoch', changed(0)],
      ['unknown-epoch', changed(2)],
      ['not-genuine', new Uint8Array(0)],
      ['not-genuine', changed(3)],
      ['not-genuine', changed(40)],
      ['not-genuine', changed(good.length - 1)],
      ['not-genuine', good.subarray(0, packetLength(1))],
      ['not-genuine', osRandom(packetLength(2)).map((byte, index) => (index < 3 ? good[index]! : byte))],
      [
        'bad-route',
        tier.packet([
          { relay: 0, delayMilliseconds: 0 },
          { relay: 1, delayMilliseconds: 0 },
        ]),
      ],
      ['delay-too-long', tier.packet([{ relay: 0, delayMilliseconds: 20_001 }, FAST[1]!])],
    ];
    for (const [index, [, packet]] of bad.entries()) {
      (await tier.meter(0, `meter ${index}`)).send(FRAME.packet, packet);
    }
    await tier.advance(25_000);
    const { counters } = tier.relay(0);
    const count = (reason: string): number => bad.filter(([expected]) => expected === reason).length;
    for (const reason of ['unknown-epoch', 'not-genuine', 'bad-route', 'delay-too-long'] as const) {
      assert.equal(counters.dropped[reason], count(reason), reason);
    }
    assert.equal(counters.forwarded, 0);
    (await tier.meter(0)).send(FRAME.packet, good);
    await tier.advance(5_000);
    assert.equal(tier.arrived.length, 1, 'the good one passes after all of them');
  });

  it('accepts two packets of a meter a slot and four at once, over all its links', async () => {
    const [one, two] = [await tier.meter(0), await tier.meter(0)];
    for (const link of [one, two, one, two, one]) {
      link.send(FRAME.packet, tier.packet(FAST));
    }
    await tier.advance(6_000);
    assert.equal(tier.arrived.length, 4);
    assert.equal(tier.relay(0).counters.dropped['over-share'], 1);
    await tier.advance(300_000);
    for (const link of [one, two, one]) {
      link.send(FRAME.packet, tier.packet(FAST));
    }
    await tier.advance(6_000);
    assert.equal(tier.arrived.length, 6);
    assert.equal(tier.relay(0).counters.dropped['over-share'], 2);
  });

  it('accepts all packets of a meter whose clock is a second ahead', async () => {
    const meter = await tier.meter(0);
    const slot = 300_000;
    await tier.advance(slot - 1_000);
    for (let round = 0; round < 4; round++) {
      // The first leaves at once, so in the slot before; the other later in its window.
      meter.send(FRAME.packet, tier.packet(FAST));
      if (round % 2 === 1) {
        meter.send(FRAME.packet, tier.packet(FAST));
      }
      await tier.advance(6_000);
      if (round % 2 === 0) {
        meter.send(FRAME.packet, tier.packet(FAST));
      }
      await tier.advance(slot - 6_000);
    }
    assert.equal(tier.relay(0).counters.dropped['over-share'], 0);
    assert.equal(tier.arrived.length, 8);
  });

  it('accepts links by role: meters in the first layer, hubs in the last, the relays of the layer before', async () => {
    const refused = async (index: number, role: 'meter' | 'hub' | 'stranger'): Promise<void> => {
      const identity =
        role === 'stranger'
          ? await selfIssuedIdentity(linkKeyFromSeed(seedOf('stranger')), ALWAYS)
          : await tier.certified(role, role);
      const before = tier.relay(index).counters.linksRefused;
      const link = tier.connect(index, identity);
      link.send(FRAME.packet, tier.packet(FAST));
      await until(`${role} is refused by relay ${index}`, () => tier.relay(index).counters.linksRefused > before);
      await link.close();
    };
    await refused(0, 'stranger');
    await refused(0, 'hub');
    await refused(2, 'stranger');
    await refused(2, 'meter');
    await tier.settle();
    assert.equal(tier.relay(0).counters.received + tier.relay(2).counters.received, 0);
  });

  it('cuts a link that sends frames its role has no use for', async () => {
    const meter = await tier.meter(0);
    meter.send(FRAME.mailboxOpen, new Uint8Array(0));
    await until('cut', () => tier.relay(0).counters.linksCut === 1 && !meter.isUp);
  });

  it('keeps packets and mailboxes over a graceful restart', async () => {
    const client = await hub('hub');
    await client.drain();
    const meter = await tier.meter(0);
    meter.send(FRAME.packet, tier.packet(FAST, mailboxOf('hub')));
    await tier.advance(6_000);
    const slow = [FAST[0]!, { relay: 2, delayMilliseconds: 15_000 }];
    meter.send(FRAME.packet, tier.packet(slow));
    await tier.advance(5_000);
    await tier.relay(2).stop();
    assert.ok(existsSync(join(tier.relayDirectory(2), 'held')));
    await tier.startRelay(2);
    assert.ok(!existsSync(join(tier.relayDirectory(2), 'held')));
    assert.equal(tier.arrived.length, 0);
    await tier.advance(15_000);
    assert.equal(tier.arrived.length, 1);
    await client.close();
    const later = await hub('hub');
    assert.equal((await later.drain()).length, 1);
    await later.close();
  });

  it('follows the epochs, and destroys keys and tags of those that are over', async () => {
    const { parameters } = tier.kit;
    const old = tier.packet(FAST);
    const tags = (epoch: number): string => join(tier.relayDirectory(0), 'replay', `${epoch}.tags`);
    const second = epochStartSeconds(parameters, 1);
    await tier.advanceTo((second - 900) * 1000);
    await tier.publishDirectory(1);
    const firstDirectory = tier.directory;
    await tier.advanceTo((second + parameters.intervalSeconds) * 1000);
    assert.equal(tier.directory, firstDirectory);
    // Just after the change both epochs are taken.
    const meter = await tier.meter(0);
    meter.send(FRAME.packet, old);
    meter.send(FRAME.packet, tier.packet(FAST));
    await tier.advance(6_000);
    assert.equal(tier.arrived.length, 2);
    assert.ok(existsSync(tags(0)) && existsSync(tags(1)));
    await tier.advance((parameters.graceSeconds + parameters.slotSeconds) * 1000);
    assert.ok(!existsSync(tags(0)) && existsSync(tags(1)));
    meter.send(FRAME.packet, old);
    await tier.advance(6_000);
    assert.equal(tier.relay(0).counters.dropped['unknown-epoch'], 1);
    await tier.publishDirectory(2);
  });

  it('whose clock was once ahead serves nothing until the first epoch whose key it has, says so, and then serves', async () => {
    const { parameters } = tier.kit;
    await tier.relay(2).stop();
    await tier.eraseKeysBefore(2, 1);
    tier.logged.splice(0);
    const relay = await tier.startRelay(2);
    let failure: unknown;
    relay.ended.catch((error: unknown) => (failure = error));
    const meter = await tier.meter(0);
    meter.send(FRAME.packet, tier.packet(FAST));
    await tier.advance(parameters.slotSeconds * 1000);
    assert.equal(tier.arrived.length, 0);
    const [said] = tier.logged.filter(({ msg }) => /onion keys of the present epoch are erased/.test(String(msg)));
    assert.deepEqual([said?.['epoch'], said?.['firstEpochWithKey']], [0, 1]);
    await tier.publishDirectory(1);
    await tier.advanceTo((epochStartSeconds(parameters, 1) + parameters.intervalSeconds) * 1000);
    meter.send(FRAME.packet, tier.packet(FAST));
    await tier.advance(6_000);
    assert.equal(tier.arrived.length, 1);
    assert.equal(failure, undefined);
  });

  it('whose clock was years ahead continues too, without a descriptor, until its operator creates new keys', async () => {
    await tier.relay(2).stop();
    await tier.eraseKeysBefore(2, 60_000);
    const relay = await tier.startRelay(2);
    let failure: unknown;
    relay.ended.catch((error: unknown) => (failure = error));
    await tier.advance(600_000);
    assert.equal(failure, undefined);
  });

  it('describes itself for seven epochs ahead, so that a control center that was away as long finds them', async () => {
    for (const epoch of [1, 7]) {
      await tier.publishDirectory(epoch);
    }
    await tier.advanceTo(epochStartSeconds(tier.kit.parameters, 1) * 1000 + 300_000);
    await tier.publishDirectory(8);
  });

  it('accepts no directory that is not the control center’s, and continues with the one it has', async () => {
    const { parameters } = tier.kit;
    const meter = await tier.meter(0);
    await tier.advanceTo((epochStartSeconds(parameters, 1) - 900) * 1000);
    await tier.publishDirectory(1, tier.kit.signingKey('stranger'));
    await tier.advanceTo((epochStartSeconds(parameters, 1) + 600) * 1000);
    meter.send(FRAME.packet, tier.packet(FAST));
    await tier.advance(300_000);
    assert.equal(tier.relay(0).counters.dropped['unknown-epoch'], 1);
    await tier.publishDirectory(1);
    await tier.advance(300_000);
    meter.send(FRAME.packet, tier.packet(FAST));
    await tier.advance(6_000);
    assert.equal(tier.arrived.length, 1);
  });

  it('has nothing to do with a demo unless it is part of one', async () => {
    await tier.relay(3).stop();
    const relay = await tier.startRelay(3, { directory: tier.relayDirectory(9), enrolmentSeed: undefined });
    await assert.rejects(relay.ended, (error: ClientError) => error.code === 'CONFIG_INVALID');
  });

  it('shows counts and nothing of any flow, and the same ones for a minute', async () => {
    const before = await tier.metrics(0);
    assert.match(before, /^gridveil_relay_received_total 0$/m);
    (await tier.meter(0)).send(FRAME.packet, tier.packet(FAST));
    await tier.advance(6_000);
    assert.equal(await tier.metrics(0), before);
    await tier.advance(60_000);
    const after = await tier.metrics(0);
    assert.match(after, /^gridveil_relay_received_total 1$/m);
    assert.match(after, /^gridveil_relay_forwarded_total 1$/m);
    assert.match(after, /^gridveil_relay_dropped_total\{reason="replay"\} 0$/m);
    const labels = new Set([...after.matchAll(/\{(\w+)=/g)].map(([, label]) => label));
    assert.deepEqual([...labels].sort(), ['origin', 'reason']);
  });

  it('leaves no key readable on its disk', async () => {
    for (const name of ['keys', 'onion-keys']) {
      const bytes = await readFile(join(tier.relayDirectory(0), name));
      assert.equal(bytes.subarray(0, 4).toString(), 'GVS1');
      assert.ok(!bytes.includes(Buffer.from(seedOf('relay 0'))));
    }
  });
});
