// SPDX-License-Identifier: Apache-2.0
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { drawDelay, maximumDelayMilliseconds } from '../../protocol/onion/path.js';
import { drawOffsetMilliseconds } from '../../client-apps/runtime/slot-schedule.js';
import { longestPathMilliseconds } from '../anonymity/measure.js';

/** Number of cells into which densities divide the longest time from a slot's start. */
const CELLS = 600;

/** Success of the pairing attack, per packet to the control center. */
export interface PairingAttack {
  /** With both packets sent at one time (t and t + ε, as in the paper): remaining bits of uncertainty about the hub. */
  readonly sameOffsetBits: number;
  /** The same: share of packets whose most probable hub is the correct one. */
  readonly sameOffsetGuessShare: number;
  /** With independent offsets, as meters send: the share is that of chance. */
  readonly ownOffsetsGuessShare: number;
}

/**
 * Measures the paper's own attack: an observer of the arrivals at the control center and at the hubs pairs the packets
 * whose times fit. The observer sees both ends of the tier, mailboxes included, but not the meters' links, where the
 * sender is known. With independent offsets the two times of a meter are independent given the slot, so no attack beats
 * chance.
 *
 * @param slots number of slots to average over
 */
export function pairingAttack(
  meters: number,
  onion: OnionParameters,
  slots: number,
  random: RandomSource,
): PairingAttack {
  const likelihood = pairLikelihood(onion);
  const offset = (): number => drawOffsetMilliseconds(random, onion.offsetWindowSeconds);
  const arrival = (departure: number): number => {
    let time = departure;
    for (let layer = 0; layer < onion.layers; layer++) {
      time += drawDelay(onion, random);
    }
    return time;
  };
  const attack = (same: boolean): { bits: number; guessed: number } => {
    let bits = 0;
    let guessed = 0;
    for (let slot = 0; slot < slots; slot++) {
      const ends = Array.from({ length: meters }, () => {
        const first = offset();
        return { controlCenter: arrival(first), hub: arrival(same ? first : offset()) };
      });
      ends.forEach(({ controlCenter }, meter) => {
        const fits = ends.map(({ hub }) => likelihood(controlCenter, hub));
        const sum = fits.reduce((total, fit) => total + fit, 0);
        // Where the cells are too coarse to show a fit, nothing is learned.
        bits -= Math.log2(sum > 0 && fits[meter]! > 0 ? fits[meter]! / sum : 1 / meters) / (meters * slots);
        if (fits.indexOf(Math.max(...fits)) === meter) {
          guessed += 1 / (meters * slots);
        }
      });
    }
    return { bits, guessed };
  };
  const same = attack(true);
  return {
    sameOffsetBits: same.bits,
    sameOffsetGuessShare: same.guessed,
    ownOffsetsGuessShare: attack(false).guessed,
  };
}

/**
 * Returns the likelihood ratio of two arrival times, for paths that began at one time against independent ones.
 */
function pairLikelihood(onion: OnionParameters): (first: number, second: number) => number {
  const width = longestPathMilliseconds(onion) / CELLS;
  const cell = (milliseconds: number): number => Math.min(CELLS - 1, Math.floor(milliseconds / width));
  const held = waysDensity(onion, width);
  const offsets = Math.max(1, Math.round((onion.offsetWindowSeconds * 1000) / width));
  const single = new Float64Array(CELLS);
  const both = new Float64Array(CELLS * CELLS);
  for (let offset = 0; offset < offsets; offset++) {
    for (let first = offset; first < CELLS; first++) {
      const share = held[first - offset]! / offsets;
      if (share === 0) {
        continue;
      }
      single[first]! += share;
      for (let second = offset; second < CELLS; second++) {
        both[first * CELLS + second]! += share * held[second - offset]!;
      }
    }
  }
  return (first, second) => {
    const [a, b] = [cell(first), cell(second)];
    const apart = single[a]! * single[b]!;
    return apart === 0 ? 0 : both[a * CELLS + b]! / apart;
  };
}

/** Density of the sum of a path's delays, by cells. */
function waysDensity(onion: OnionParameters, width: number): Float64Array {
  const longest = Math.max(1, Math.round(maximumDelayMilliseconds(onion) / width));
  const mean = onion.meanDelayMilliseconds / width;
  const one = Float64Array.from({ length: longest }, (_, index) => Math.exp(-(index + 0.5) / mean));
  const sum = one.reduce((total, share) => total + share, 0);
  let density = new Float64Array(CELLS);
  density[0] = 1;
  for (let layer = 0; layer < onion.layers; layer++) {
    const next = new Float64Array(CELLS);
    density.forEach((share, index) => {
      if (share === 0) {
        return;
      }
      for (let held = 0; held < longest && index + held < CELLS; held++) {
        next[index + held]! += (share * one[held]!) / sum;
      }
    });
    density = next;
  }
  return density;
}
