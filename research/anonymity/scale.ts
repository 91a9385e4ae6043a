// SPDX-License-Identifier: Apache-2.0
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import { MAXIMUM_METERS } from '../../protocol/ledger/limits.js';
import { longestPathMilliseconds, measurementOf, tierOf, type SimulationFlags } from './measure.js';
import type { Measurement } from './measurement.js';
import type { ObservedSlot } from './observation.js';
import { seededRandom } from '../seeded-random.js';
import { simulateSlot } from './simulated-tier.js';

/** One packet to the control center and one to the hub. */
const PACKETS_PER_METER = 2;
/** Largest utilisation of a relay in its busiest second; above it packets would wait beyond their delays. */
const PEAK_SHARE = 0.5;

/** Resources for a number of meters, and the anonymity that results. */
export interface Scale {
  readonly meters: number;
  /** Number of regions, each with its own tier. */
  readonly regions: number;
  readonly metersPerRegion: number;
  readonly onion: OnionParameters;
  readonly relaysPerLayer: number;
  readonly relays: number;
  /** Packets of all meters, to control centers and hubs. */
  readonly packetsPerSlot: number;
  /** Packets in the busiest second of the busiest relay of all simulated slots. */
  readonly peakPacketsPerSecond: number;
  /** Cores that all relays use if all have their busiest second at once. */
  readonly coresAtPeak: number;
  readonly measurement: Measurement;
}

/**
 * Simulates any number of meters: as many regions as they need, each with a tier of its own, as directories are.
 * Regions are alike and independent, so each simulated slot represents another region, and memory does not grow with
 * their number. Relays are added where the given number could not handle the busiest second.
 *
 * @param relayPacketsPerSecond packets per second that one relay process handles
 * @throws ClientError WRONG_USE
 */
export function simulateScale(flags: SimulationFlags, relayPacketsPerSecond: number): Scale {
  const regions = Math.ceil(flags.meters / MAXIMUM_METERS);
  const metersPerRegion = Math.ceil(flags.meters / regions);
  const tier = tierOf({ ...flags, meters: metersPerRegion });
  const { onion } = tier;
  const longestMilliseconds = longestPathMilliseconds(onion);
  const measurement = measurementOf(tier, flags);
  const random = seededRandom(flags.seed);
  let peak = 0;
  for (let slot = 0; slot < flags.slots; slot++) {
    // Packets to hubs follow the same law, so a second simulated slot gives their load.
    const both = [simulateSlot(tier, random), simulateSlot(tier, random)];
    measurement.add(both[0]!);
    peak = Math.max(peak, peakOf(both, longestMilliseconds));
  }
  const needed = Math.ceil((peak * flags.relays) / (relayPacketsPerSecond * PEAK_SHARE));
  const relaysPerLayer = Math.max(flags.relays, needed);
  const relays = regions * onion.layers * relaysPerLayer;
  const peakPacketsPerSecond = (peak * flags.relays) / relaysPerLayer;
  return {
    meters: flags.meters,
    regions,
    metersPerRegion,
    onion,
    relaysPerLayer,
    relays,
    packetsPerSlot: PACKETS_PER_METER * flags.meters,
    peakPacketsPerSecond,
    coresAtPeak: (relays * peakPacketsPerSecond) / relayPacketsPerSecond,
    measurement,
  };
}

/** Packets into the busiest relay in its busiest second. */
function peakOf(slots: readonly ObservedSlot[], longestMilliseconds: number): number {
  const seconds = Math.ceil(longestMilliseconds / 1000) + 1;
  const layers = slots[0]!.origins.length;
  let peak = 0;
  for (let layer = 0; layer < layers; layer++) {
    const counts = new Map<number, number>();
    for (const { observation } of slots) {
      const { to, arrived } = observation.levels[layer]!;
      to.forEach((relay, index) => {
        const place = relay * seconds + Math.floor(arrived[index]! / 1000);
        const count = (counts.get(place) ?? 0) + 1;
        counts.set(place, count);
        peak = Math.max(peak, count);
      });
    }
  }
  return peak;
}
