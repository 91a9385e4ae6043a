// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { FRAME } from '../links/frames.js';
import { TierUnderTest, type CorruptRelay } from '../../test/support/tier.js';

/** A loop is sent within 20 s, held for at most 20 s before the last layer, and overdue 5 s later. */
const LOOPS_ARE_OVER = 46_000;
const SLOT = 300_000;
const FAST = [
  { relay: 0, delayMilliseconds: 500 },
  { relay: 2, delayMilliseconds: 500 },
];

describe('n − 1 attack: all packets but one are dropped, to see where that one goes', function () {
  this.timeout(60_000);
  let tier: TierUnderTest;
  afterEach(() => tier.stop());

  /** Starts the tier and lets a slot's loops go by. */
  const begin = async (loops: boolean): Promise<void> => {
    tier = new TierUnderTest(undefined, loops);
    await tier.start();
    await tier.advance(SLOT + LOOPS_ARE_OVER);
  };

  /** The relays before relay 2 are an attacker's, and nothing gets through to it in a slot. */
  const cutOff = async (): Promise<CorruptRelay[]> => {
    const attackers = [await tier.corrupt(0), await tier.corrupt(1)];
    await tier.advance(SLOT);
    return attackers;
  };

  it('leaves alone when the relays send no loops', async () => {
    await begin(false);
    const [attacker] = await cutOff();
    attacker!.pass(tier.packet(FAST));
    await tier.arrivalAt(2, 1);
    await tier.advance(2_000);
    assert.equal(tier.arrived.length, 1, 'and nobody else’s packet with it');
  });

  it('is noticed by the loops: what comes is held back until they come again', async () => {
    await begin(true);
    const { counters } = tier.relay(2);
    assert.deepEqual([counters.loops, counters.missingLoops], [16, 0]);
    const before = counters.received;
    const attackers = await cutOff();
    assert.deepEqual([counters.loops, counters.missingLoops], [32, 16]);
    assert.match(await tier.metrics(2), /gridveil_relay_cut_off 1/);

    const untilNextSlot = SLOT - LOOPS_ARE_OVER;
    await tier.advance(untilNextSlot - 20_000);
    for (let packet = 0; packet < 3; packet++) {
      attackers[0]!.pass(tier.packet(FAST));
    }
    await tier.arrivalAt(2, before + 3);
    await tier.advance(20_000);
    const arrived = (): number => tier.arrived.length;
    assert.equal(arrived(), 0, 'held back');

    // Whoever wants them to go on has to let loops through, and cannot tell which of all packets those are.
    for (const attacker of attackers) {
      attacker.taken.splice(0);
    }
    for (let second = 0; second < 30 && arrived() === 0; second++) {
      await tier.advance(1_000);
      for (const attacker of attackers) {
        for (const packet of attacker.taken.splice(0)) {
          attacker.pass(packet);
        }
      }
    }
    await tier.settle();
    assert.equal(arrived(), 3, 'all of them');
    assert.equal(new Set(tier.arrived.map(({ atMilliseconds }) => atMilliseconds)).size, 1, 'together');
  });

  it('gets at most the loss of what it let through: after a minute a relay drops what it has held back', async () => {
    await begin(true);
    const { counters } = tier.relay(2);
    const before = counters.received;
    const [attacker] = await cutOff();
    attacker!.pass(tier.packet(FAST));
    await tier.arrivalAt(2, before + 1);
    await tier.advance(62_000);
    assert.equal(tier.arrived.length, 0);
    assert.equal(counters.dropped['cut-off'], 1);
  });

  it('is not seen where all is well, nor right after a restart', async () => {
    await begin(true);
    await tier.relay(2).stop();
    await tier.startRelay(2);
    await tier.advance(2 * SLOT);
    for (const index of [0, 1, 2, 3]) {
      const { loops, missingLoops } = tier.relay(index).counters;
      assert.deepEqual([loops, missingLoops], [index === 2 ? 32 : 48, 0]);
      assert.match(await tier.metrics(index), /gridveil_relay_cut_off 0/);
    }
  });

  it('accepts no more loops of one sender at once than it has to send in two slots', async () => {
    await begin(false);
    const link = tier.connect(0, (await tier.corrupt(2)).identity);
    for (let packet = 0; packet < 33; packet++) {
      link.send(FRAME.packet, tier.packet(FAST));
    }
    await tier.arrivalAt(0, 33);
    assert.equal(tier.relay(0).counters.dropped['over-share'], 1);
  });
});
