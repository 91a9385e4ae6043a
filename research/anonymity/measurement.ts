// SPDX-License-Identifier: Apache-2.0
import type { HoldingLaw } from './decayed-sums.js';
import { Histogram } from './histogram.js';
import { trueSender, wayOf, type Corrupt, type ObservedSlot } from './observation.js';
import { Posterior } from './posterior.js';

/** Probability from which the observer counts as certain; scaling never reaches 1. */
const CERTAINTY = 0.999;
const ENTROPY_BIN_BITS = 0.01;
const LATENCY_BIN_MILLISECONDS = 50;

/** Settings of a measurement. */
export interface MeasurementSettings {
  readonly meters: number;
  readonly law: HoldingLaw;
  readonly corrupt: Corrupt;
  /** Packets per slot whose sender is inferred, spread evenly over the slot. */
  readonly targetsPerSlot: number;
  /** Longest time that a packet can take, milliseconds. */
  readonly longestMilliseconds: number;
}

/** Means by the number of honest relays on a packet's path. */
export interface ByHonestRelays {
  readonly honestRelays: number;
  readonly packets: number;
  readonly meanEntropyBits: number;
}

/** Accumulates an observer's knowledge of the senders of packets to the control center, in constant memory. */
export class Measurement {
  /** Shannon entropy of the sender, bits, one value per target packet. */
  readonly entropy: Histogram;
  /** Time from the start of the slot to the control center, milliseconds, of every packet. */
  readonly latency: Histogram;
  slots = 0;
  /** Target packets whose whole path was corrupt. */
  allCorrupt = 0;
  /**
   * Other target packets of which the observer is certain. `alone`: no honest relay on the path held another packet at
   * the same time. `narrowed`: there were others, but the longest delay, or later relays, excluded them.
   */
  readonly stragglers = { alone: 0, narrowed: 0 };
  /** Target packets whose most probable sender is the true one. */
  guessed = 0;
  /** Largest deviation of a packet's probabilities at a relay from a sum of 1. */
  residual = 0;
  #trueBits = 0;
  readonly #byHonest: ({ packets: number; bits: number } | undefined)[] = [];

  readonly #settings: MeasurementSettings;

  constructor(settings: MeasurementSettings) {
    this.#settings = settings;

    const limit = Math.max(1, Math.log2(settings.meters));
    this.entropy = new Histogram(limit, Math.ceil(limit / ENTROPY_BIN_BITS));
    const { longestMilliseconds } = settings;
    this.latency = new Histogram(longestMilliseconds, Math.ceil(longestMilliseconds / LATENCY_BIN_MILLISECONDS));
  }

  /** Mean of −log2 of the probability of the true sender; below the mean entropy it would show an error of method. */
  get meanTrueSenderBits(): number {
    return this.#trueBits / Math.max(1, this.entropy.count);
  }

  get byHonestRelays(): ByHonestRelays[] {
    return this.#byHonest.flatMap((sums, honestRelays) =>
      sums === undefined ? [] : [{ honestRelays, packets: sums.packets, meanEntropyBits: sums.bits / sums.packets }],
    );
  }

  add(slot: ObservedSlot): void {
    const { law, corrupt, targetsPerSlot } = this.#settings;
    const posterior = new Posterior(slot, corrupt, law);
    const { arrived } = slot.observation.levels.at(-1)!;
    for (const latency of arrived) {
      this.latency.add(latency);
    }
    const targets = Math.min(targetsPerSlot, arrived.length);
    for (let target = 0; target < targets; target++) {
      this.#addTarget(slot, posterior, Math.floor(((target + 0.5) * arrived.length) / targets));
    }
    this.residual = Math.max(this.residual, posterior.residual);
    this.slots++;
  }

  #addTarget(slot: ObservedSlot, posterior: Posterior, packet: number): void {
    const senders = posterior.senders(packet);
    const sender = trueSender(slot, packet);
    const bits = entropyBits(senders);
    this.entropy.add(bits);
    this.#trueBits -= Math.log2(senders[sender]!);
    const best = senders.reduce((found, share, meter) => (share > senders[found]! ? meter : found), 0);
    if (best === sender) {
      this.guessed++;
    }

    const honest = this.#honestRelays(slot, packet);
    const sums = (this.#byHonest[honest] ??= { packets: 0, bits: 0 });
    sums.packets++;
    sums.bits += bits;
    if (honest === 0) {
      this.allCorrupt++;
    } else if (senders[best]! >= CERTAINTY) {
      const isAlone = posterior.recognised(packet).every((share) => share >= CERTAINTY);
      this.stragglers[isAlone ? 'alone' : 'narrowed']++;
    }
  }

  #honestRelays({ observation, origins }: ObservedSlot, packet: number): number {
    const way = wayOf({ observation, origins }, packet);
    const { corrupt } = this.#settings;
    return way.slice(1).filter((index, layer) => !corrupt(layer + 1, observation.levels[layer + 1]!.from[index]!))
      .length;
  }
}

/** Shannon entropy, bits. */
export function entropyBits(probabilities: Float64Array): number {
  return -probabilities.reduce((sum, share) => (share > 0 ? sum + share * Math.log2(share) : sum), 0);
}
