// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { drawIndex } from '../../protocol/onion/path.js';
import type { HoldingLaw } from './decayed-sums.js';
import { busyTimes, Exchange } from './exchange.js';
import { entropyBits } from './measurement.js';
import { trueSender, type Corrupt, type ObservedSlot } from './observation.js';
import { Posterior } from './posterior.js';
import { seededRandom } from '../seeded-random.js';
import { simulateSlot } from './simulated-tier.js';

const onionOf = (layers: number, mean: number, maximumMeans: number) => ({
  layers,
  meanDelayMilliseconds: mean,
  maximumDelayMeans: maximumMeans,
  offsetWindowSeconds: 20,
});
const lawOf = (mean: number, maximumMeans: number): HoldingLaw => ({
  meanMilliseconds: mean,
  longestMilliseconds: mean * maximumMeans,
});

/** All ways to give the relay's departures to its arrivals that the times allow, each with its likelihood. */
function* matchings(
  arrivals: readonly number[],
  departures: readonly number[],
  law: HoldingLaw,
): Generator<{ readonly from: readonly number[]; readonly weight: number }> {
  const from: number[] = [];
  const used = new Set<number>();
  function* extend(weight: number): Generator<{ from: number[]; weight: number }> {
    if (from.length === departures.length) {
      yield { from: [...from], weight };
      return;
    }
    for (const [index, arrival] of arrivals.entries()) {
      const held = departures[from.length]! - arrival;
      if (used.has(index) || held < 0 || held > law.longestMilliseconds) {
        continue;
      }
      used.add(index);
      from.push(index);
      yield* extend(weight * Math.exp(-held / law.meanMilliseconds));
      from.pop();
      used.delete(index);
    }
  }
  yield* extend(1);
}

/** The exact posterior of every packet's sender: all that can have happened in all relays together, one by one. */
function enumerated({ observation, origins }: ObservedSlot, corrupt: Corrupt, law: HoldingLaw): Float64Array[] {
  const { levels, meters } = observation;
  const packets = levels[0]!.to.length;
  const senders = Array.from({ length: packets }, () => new Float64Array(meters));
  let total = 0;
  const relays = origins.flatMap((_, index) =>
    [...new Set(levels[index + 1]!.from)].map((relay) => ({ layer: index + 1, relay })),
  );
  const before = origins.map((origin) => Int32Array.from(origin));
  const visit = (position: number, weight: number): void => {
    const next = relays[position];
    if (next === undefined) {
      total += weight;
      for (let packet = 0; packet < packets; packet++) {
        const entry = before.reduceRight((index, origin) => origin[index]!, packet);
        senders[packet]![levels[0]!.from[entry]!]! += weight;
      }
      return;
    }
    const { layer, relay } = next;
    if (corrupt(layer, relay)) {
      visit(position + 1, weight);
      return;
    }
    const indices = (relays: Int32Array): number[] => [...relays.keys()].filter((index) => relays[index] === relay);
    const arrived = indices(levels[layer - 1]!.to);
    const left = indices(levels[layer]!.from);
    const arrivals = arrived.map((index) => levels[layer - 1]!.arrived[index]!);
    const departures = left.map((index) => levels[layer]!.sent[index]!);
    for (const matching of matchings(arrivals, departures, law)) {
      left.forEach((packet, index) => (before[layer - 1]![packet] = arrived[matching.from[index]!]!));
      visit(position + 1, weight * matching.weight);
    }
  };
  visit(0, 1);
  return senders.map((shares) => shares.map((share) => share / total));
}

function deviation(slot: ObservedSlot, corrupt: Corrupt, law: HoldingLaw): { most: number; bits: number } {
  const posterior = new Posterior(slot, corrupt, law);
  let most = 0;
  let bits = 0;
  enumerated(slot, corrupt, law).forEach((exact, packet) => {
    const found = posterior.senders(packet);
    found.forEach((share, meter) => (most = Math.max(most, Math.abs(share - exact[meter]!))));
    bits += (entropyBits(found) - entropyBits(exact)) / slot.origins[0]!.length;
  });
  return { most, bits };
}

const NOBODY: Corrupt = () => false;

describe('anonymity: posterior', () => {
  it('is the exact one of all that can have happened, where the longest delay excludes nothing', () => {
    const random = seededRandom('exact');
    let spread = 0;
    for (let round = 0; round < 60; round++) {
      const meters = 2 + drawIndex(5, random);
      const onion = onionOf(1 + drawIndex(3, random), 6_000, 1_000);
      const slot = simulateSlot({ meters, onion, relaysPerLayer: 1 + drawIndex(2, random) }, random);
      if (onion.layers === 3 && meters > 5) {
        continue;
      }
      const { most } = deviation(slot, NOBODY, lawOf(6_000, 1_000));
      assert.ok(most < 1e-9, `round ${round}: ${most}`);
      spread += entropyBits(new Posterior(slot, NOBODY, lawOf(6_000, 1_000)).senders(0));
    }
    assert.ok(spread > 30, 'the cases are not trivial');
  });

  it('is exact too when some relays tell what they did', () => {
    const random = seededRandom('corrupt');
    for (let round = 0; round < 40; round++) {
      const slot = simulateSlot({ meters: 6, onion: onionOf(2, 6_000, 1_000), relaysPerLayer: 2 }, random);
      const corrupt: Corrupt = (layer, relay) => (layer + relay + round) % 2 === 0;
      const { most } = deviation(slot, corrupt, lawOf(6_000, 1_000));
      assert.ok(most < 1e-9, `round ${round}: ${most}`);
    }
  });

  it('stays close to the exact one where the longest delay excludes much, however few packets there are', () => {
    const random = seededRandom('truncated');
    // Delays are drawn again above one mean, so that every second packet would be excluded somewhere.
    let most = 0;
    let bits = 0;
    const rounds = 80;
    for (let round = 0; round < rounds; round++) {
      const slot = simulateSlot({ meters: 6, onion: onionOf(2, 12_000, 1), relaysPerLayer: 1 }, random);
      const found = deviation(slot, NOBODY, lawOf(12_000, 1));
      most = Math.max(most, found.most);
      bits += found.bits / rounds;
    }
    assert.ok(most > 1e-6, 'the longest delay does exclude something');
    assert.ok(Math.abs(bits) < 0.02, `mean difference ${bits} bits`);
  });

  it('knows the sender of a packet whose whole way is corrupt, and every packet where all relays are', () => {
    const slot = simulateSlot({ meters: 40, onion: onionOf(4, 4_000, 5), relaysPerLayer: 3 }, seededRandom('all'));
    const posterior = new Posterior(slot, () => true, lawOf(4_000, 5));
    for (let packet = 0; packet < 40; packet++) {
      const senders = posterior.senders(packet);
      assert.equal(senders[trueSender(slot, packet)], 1);
      assert.deepEqual(posterior.recognised(packet), []);
    }
  });

  it('does not confuse packets that never were in a relay together', () => {
    const arrivals = Float64Array.of(0, 1_000, 5_000, 5_000, 90_000);
    const departures = Float64Array.of(3_000, 4_000, 5_000, 9_000, 91_000);
    assert.deepEqual(busyTimes(arrivals, departures), [2, 4, 5]);
    const alone = new Exchange(arrivals.subarray(4), departures.subarray(4), lawOf(4_000, 5));
    assert.ok(Math.abs(alone.back(Float64Array.of(1))[0]! - 1) < 1e-12);
  });
});

describe('anonymity: one relay', () => {
  it('exchanges packets as a chain over all assignments does that swaps them at random', () => {
    // The default delays exclude assignments here, so only sampling can check it: all that the times allow are equally
    // likely, and the chain visits each as often as any other.
    const packets = 120;
    const random = seededRandom('chain');
    const law = lawOf(4_000, 5);
    const slot = simulateSlot({ meters: packets, onion: onionOf(1, 4_000, 5), relaysPerLayer: 1 }, random);
    const { arrived } = slot.observation.levels[0]!;
    const { sent } = slot.observation.levels[1]!;
    const origin = Int32Array.from(slot.origins[0]!);
    const fits = (packet: number, from: number): boolean => {
      const held = sent[packet]! - arrived[from]!;
      return held >= 0 && held <= law.longestMilliseconds;
    };
    const visits = Array.from({ length: packets }, () => new Float64Array(packets));
    const sweeps = 20_000;
    for (let sweep = 0; sweep < sweeps; sweep++) {
      for (let step = 0; step < packets; step++) {
        const [a, b] = [drawIndex(packets, random), drawIndex(packets, random)];
        const [fromA, fromB] = [origin[a]!, origin[b]!];
        if (!fits(a, fromB) || !fits(b, fromA)) {
          continue;
        }
        origin[a] = fromB;
        origin[b] = fromA;
      }
      origin.forEach((from, packet) => (visits[packet]![from]! += 1 / sweeps));
    }
    const exchange = new Exchange(arrived, sent, law);
    let distance = 0;
    let bits = 0;
    visits.forEach((sampled, packet) => {
      const mass = new Float64Array(packets);
      mass[packet] = 1;
      const found = exchange.back(mass);
      distance += found.reduce((sum, share, index) => sum + Math.abs(share - sampled[index]!) / 2, 0) / packets;
      bits += (entropyBits(found) - entropyBits(sampled)) / packets;
    });
    assert.ok(distance < 0.04, `mean total variation ${distance}`);
    assert.ok(Math.abs(bits) < 0.01, `mean difference ${bits} bits`);
  });
});
