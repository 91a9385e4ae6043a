// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { syntheticReadings } from '../../client-apps/readings/synthetic.js';
import { absenceAttack } from './absence.js';
import { isolationAttack } from './isolation.js';
import { measureSimulation, tierOf } from '../anonymity/measure.js';
import { pairingAttack } from './pairing.js';
import { simulateScale } from '../anonymity/scale.js';
import { seededRandom } from '../seeded-random.js';

const METERS = 200;
const tier = tierOf({ meters: METERS, relays: 3 });

/*
 * Replays are dropped: relay.test.ts and replay-store.test.ts of client-apps/relay. A flipped bit ends at the next honest
 * relay, which leaves nothing to recognise a packet by: packet.test.ts of protocol/onion and relay.test.ts.
 */
describe('anonymity: attacks', function () {
  this.timeout(30_000);

  it('timing correlation: the best guess of an observer of all links is correct a few times as often as chance', () => {
    const flags = { meters: METERS, relays: 3, corruptPerLayer: 0, slots: 10, targetsPerSlot: METERS, seed: 'timing' };
    const { measurement } = measureSimulation(flags);
    const share = measurement.guessed / measurement.entropy.count;
    assert.ok(share < 5 / METERS, `${share}`);
    // The same observer, where relays do not hold packets: the attack itself works.
    const hasty = measureSimulation({ ...flags, meanDelay: 10 }).measurement;
    assert.ok(hasty.guessed / hasty.entropy.count > 0.4, `${hasty.guessed / hasty.entropy.count}`);
  });

  it('pairing: the same offset would give meters away, offsets of their own do not', () => {
    const hasty = { ...tier.onion, meanDelayMilliseconds: 100 };
    for (const [onion, least, most] of [
      [hasty, 3, 5],
      [tier.onion, 7, 7.6],
    ] as const) {
      const found = pairingAttack(METERS, onion, 20, seededRandom('pairing'));
      const { sameOffsetBits, sameOffsetGuessShare, ownOffsetsGuessShare } = found;
      assert.ok(sameOffsetBits > least && sameOffsetBits < most, `${sameOffsetBits} of 7.64 bits`);
      // 4,000 guesses: by chance 20 are right, and five standard deviations above are 42.
      assert.ok(ownOffsetsGuessShare < 42 / 4_000, `${ownOffsetsGuessShare}`);
      if (onion === hasty) {
        assert.ok(sameOffsetGuessShare > 10 / METERS, `${sameOffsetGuessShare}`);
      }
    }
  });

  it('n − 1: one entry relay that drops all others costs less than a bit, and a third of the region is missed', () => {
    const found = isolationAttack(tier, 4, seededRandom('isolation'));
    const [none, one, two, all] = found;
    assert.ok(none!.meanEntropyBits - one!.meanEntropyBits < 1, JSON.stringify(found));
    assert.ok(two!.meanEntropyBits > 4);
    assert.ok(all!.meanEntropyBits < 1e-9, 'with all entry relays the packet is alone');
    assert.equal(none!.missingMeters, 0);
    assert.ok(Math.abs(one!.missingMeters - METERS / 3) < 15);
    assert.equal(Math.round(all!.missingMeters), METERS - 1, 'and everybody else is missed');
  });

  describe('absence', () => {
    const days = 14;
    const attackOn = (meters: number, intervalSeconds: number): ReturnType<typeof absenceAttack> => {
      const intervals = (days * 86_400) / intervalSeconds;
      const startSeconds = 1_767_571_200;
      const readings = syntheticReadings({ seed: 'absence', meters, intervals, intervalSeconds, startSeconds });
      return absenceAttack(readings, days, 14_400, seededRandom('absence'));
    };

    it('a small region gives its households away, a large one hides them', () => {
      const [small, large] = [attackOn(10, 1_800), attackOn(300, 1_800)];
      assert.ok(small.singles.learned > 0.15, `${small.singles.learned}`);
      assert.ok(large.singles.learned < 0.04, `${large.singles.learned}`);
      assert.ok(large.singles.silencesForHalf > 10 * small.singles.silencesForHalf);
    });

    it('what was missed for a day shows when it is sent at once, and not when it is spread', () => {
      const { day, daySpread } = attackOn(300, 1_800);
      assert.ok(day.learned > 0.3, `${day.learned}`);
      assert.ok(daySpread.learned < 0.05, `${daySpread.learned}`);
    });

    it('finds exactly what is missing where nothing else moves', () => {
      const intervals = 14 * 48;
      const energies = [100n, 300n, 500n];
      const households = energies.map((wattHours, index) => ({
        id: `${index}`,
        milliWattHours: new BigInt64Array(intervals).fill(wattHours * 1_000n),
      }));
      const readings = { source: '', intervalSeconds: 1_800, startSeconds: 0, intervals, households, skipped: [] };
      const { totalDeviationWattHours, day } = absenceAttack(readings, 1, 10_000, seededRandom('exact'));
      assert.ok(totalDeviationWattHours < 1e-9);
      assert.ok(day.errorWattHours < 1e-6 && day.learned > 0.999);
    });
  });
});

describe('anonymity: scale', function () {
  this.timeout(30_000);
  const flags = { relays: 3, corruptPerLayer: 0, slots: 2, targetsPerSlot: 10, seed: 'scale' };

  it('splits meters into regions with relays of their own', () => {
    const scale = simulateScale({ ...flags, meters: 12_000 }, 20_000);
    assert.equal(scale.regions, 3);
    assert.equal(scale.metersPerRegion, 4_000);
    assert.equal(scale.relays, 3 * 4 * 3);
    assert.equal(scale.packetsPerSlot, 24_000);
    // 8,000 packets in 20 seconds through three relays are 133 a second at each.
    assert.ok(scale.peakPacketsPerSecond > 133 && scale.peakPacketsPerSecond < 250, `${scale.peakPacketsPerSecond}`);
    assert.ok(scale.measurement.entropy.mean > 11);
  });

  it('adds relays where a second is too busy for them', () => {
    const scale = simulateScale({ ...flags, meters: 5_000 }, 100);
    assert.ok(scale.relaysPerLayer > 10);
    assert.ok(scale.peakPacketsPerSecond <= 50);
  });
});
