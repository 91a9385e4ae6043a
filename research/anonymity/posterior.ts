// SPDX-License-Identifier: Apache-2.0
import type { HoldingLaw } from './decayed-sums.js';
import { busyTimes, Exchange } from './exchange.js';
import { wayOf, type Corrupt, type Level, type ObservedSlot } from './observation.js';

/** A time in which an honest relay held packets: their indices on the level before it and on the one behind it. */
interface BusyTime {
  readonly arrived: Int32Array;
  readonly left: Int32Array;
  readonly exchange: Exchange;
}

/** What the observer knows of a layer: its honest relays' exchanges, and what corrupt relays tell. */
interface Layer {
  readonly busyTimes: readonly BusyTime[];
  /** Of the honest relays, for each packet on the level behind: in which busy time it left, and as which. */
  readonly places: ReadonlyMap<number, { readonly time: BusyTime; readonly position: number }>;
  /** Packets on the level behind that left a corrupt relay. */
  readonly identified: readonly number[];
}

/**
 * The knowledge of a passive observer of every link, with whom some relays work together: of each packet that came to
 * the control center, the probability with which each meter sent it. Probability goes back through the relays, layer by
 * layer: at an honest one by its {@link Exchange}, at a corrupt one to the packet that it was. As everything between the
 * relays is seen, what the observer cannot tell at one relay is independent of the others, so this adds no error to
 * that of the exchanges.
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
   * @param packet index on the last level
   * @returns for each meter the probability that the packet is its own
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
   * The honest relays on a packet's true way, in order, each with the probability that the observer gives to the packet
   * that it really was: 1 where it was alone there.
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
      times.push(...busyTimesOf(before, behind, arrivedAt.get(relay)!, left, law));
    }
  }
  const places = new Map(
    times.flatMap((time) => Array.from(time.left, (packet, position) => [packet, { time, position }] as const)),
  );
  return { busyTimes: times, places, identified };
}

function busyTimesOf(
  before: Level,
  behind: Level,
  arrived: readonly number[],
  left: readonly number[],
  law: HoldingLaw,
): BusyTime[] {
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

/** Indices by relay, each list in the order of time. */
function byRelay(relays: Int32Array, times: Float64Array): Map<number, number[]> {
  const lists = new Map<number, number[]>();
  relays.forEach((relay, index) => {
    const list = lists.get(relay);
    if (list === undefined) {
      lists.set(relay, [index]);
    } else {
      list.push(index);
    }
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
