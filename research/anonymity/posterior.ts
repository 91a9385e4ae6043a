// SPDX-License-Identifier: Apache-2.0
import { getOrMake } from '../../protocol/get-or-make.js';
import type { HoldingLaw } from './decayed-sums.js';
import { busyTimes, Exchange } from './exchange.js';
import { wayOf, type Corrupt, type Level, type ObservedSlot } from './observation.js';

/** A busy period of an honest relay: the indices of its packets on the levels before and after it. */
interface BusyTime {
  readonly arrived: Int32Array;
  readonly left: Int32Array;
  readonly exchange: Exchange;
}

/** An observer's knowledge of a layer: the exchanges of honest relays, and the packets of corrupt ones. */
interface Layer {
  readonly busyTimes: readonly BusyTime[];
  /** Position of each packet that left an honest relay, by its index on the level after it. */
  readonly places: ReadonlyMap<number, { readonly time: BusyTime; readonly position: number }>;
  /** Packets on the level after the layer that left a corrupt relay. */
  readonly identified: readonly number[];
}

/**
 * The posterior of a passive observer of every link who controls some relays: for each packet that arrived at the
 * control center, the probability that each meter sent it. Probability is propagated backwards layer by layer: at an
 * honest relay by its {@link Exchange}, at a corrupt one to the true packet. Because all links are observed, the
 * uncertainties of different relays are independent, so this adds no error to that of the exchanges.
 */
export class Posterior {
  readonly #layers: readonly Layer[];

  readonly #slot: ObservedSlot;

  constructor(slot: ObservedSlot, corrupt: Corrupt, law: HoldingLaw) {
    this.#slot = slot;

    const { levels } = slot.observation;
    this.#layers = slot.origins.map((_, index) =>
      layerOf(levels[index]!, levels[index + 1]!, (relay) => corrupt(index + 1, relay), law),
    );
  }

  /** Largest deviation of a packet's probabilities from a sum of 1, over all honest relays. */
  get residual(): number {
    const times = this.#layers.flatMap((layer) => layer.busyTimes);
    return times.reduce((most, { exchange }) => Math.max(most, exchange.residual), 0);
  }

  /**
   * Returns the probability of each meter to be the sender of a packet.
   *
   * @param packet index on the last level
   */
  senders(packet: number): Float64Array {
    const { observation, origins } = this.#slot;
    const mass = this.#layers.reduceRight(
      (behind, { busyTimes, identified }, index) => {
        const before = new Float64Array(behind.length);
        for (const known of identified) {
          before[origins[index]![known]!]! += behind[known]!;
        }
        for (const { arrived, left, exchange } of busyTimes) {
          const departed = Float64Array.from(left, (one) => behind[one]!);
          if (departed.every((share) => share === 0)) {
            continue;
          }
          exchange.back(departed).forEach((share, one) => (before[arrived[one]!]! += share));
        }
        return before;
      },
      unit(origins.at(-1)!.length, packet),
    );
    const senders = new Float64Array(observation.meters);
    observation.levels[0]!.from.forEach((meter, index) => (senders[meter]! += mass[index]!));
    return senders;
  }

  /**
   * Returns, for each honest relay on a packet's true path in order, the probability that the observer assigns to the
   * true packet: 1 where it was alone.
   */
  recognised(packet: number): number[] {
    const way = wayOf(this.#slot, packet);
    return this.#layers.flatMap(({ places }, index) => {
      const place = places.get(way[index + 1]!);
      if (place === undefined) {
        return [];
      }
      const { arrived, left, exchange } = place.time;
      return [exchange.back(unit(left.length, place.position))[arrived.indexOf(way[index]!)]!];
    });
  }
}

function layerOf(before: Level, behind: Level, isCorrupt: (relay: number) => boolean, law: HoldingLaw): Layer {
  const arrivedAt = byRelay(before.to, before.arrived);
  const identified: number[] = [];
  const times: BusyTime[] = [];
  for (const [relay, left] of byRelay(behind.from, behind.sent)) {
    if (isCorrupt(relay)) {
      identified.push(...left);
    } else {
      times.push(...busyTimesOf({ before, behind, arrived: arrivedAt.get(relay)!, left }, law));
    }
  }
  const places = new Map(
    times.flatMap((time) => Array.from(time.left, (packet, position) => [packet, { time, position }] as const)),
  );
  return { busyTimes: times, places, identified };
}

/** The packets of one relay, by their indices on the levels before and after it. */
interface RelayTraffic {
  readonly before: Level;
  readonly behind: Level;
  readonly arrived: readonly number[];
  readonly left: readonly number[];
}

function busyTimesOf({ before, behind, arrived, left }: RelayTraffic, law: HoldingLaw): BusyTime[] {
  const arrivals = Float64Array.from(arrived, (packet) => before.arrived[packet]!);
  const departures = Float64Array.from(left, (packet) => behind.sent[packet]!);
  const ends = busyTimes(arrivals, departures);
  return ends.map((end, index) => {
    const from = ends[index - 1] ?? 0;
    return {
      arrived: Int32Array.from(arrived.slice(from, end)),
      left: Int32Array.from(left.slice(from, end)),
      exchange: new Exchange(arrivals.subarray(from, end), departures.subarray(from, end), law),
    };
  });
}

/** Groups indices by relay, each group in the order of time. */
function byRelay(relays: Int32Array, times: Float64Array): Map<number, number[]> {
  const lists = new Map<number, number[]>();
  relays.forEach((relay, index) => {
    getOrMake(lists, relay, () => []).push(index);
  });
  for (const list of lists.values()) {
    list.sort((a, b) => times[a]! - times[b]!);
  }
  return lists;
}

function unit(length: number, position: number): Float64Array {
  const vector = new Float64Array(length);
  vector[position] = 1;
  return vector;
}
