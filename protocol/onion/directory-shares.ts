// SPDX-License-Identifier: Apache-2.0
import { MAXIMUM_METERS } from '../ledger/limits.js';
import { relaysOfLayer } from './directory.js';
import type { Directory } from './directory-format.js';
import { loopsPerSlot } from './loop.js';

/** Standard deviations above the mean: a Poisson count is beyond them less than once in 10^12 slots. */
const DEVIATIONS = 8;
/** A relay that was cut off, or restarted, passes on what it held back together with what comes. */
const SLOTS_AT_ONCE = 2;

/** Meters that a region may have, so many that their packets are never more. */
export function mostMeters(registryDepth: number): number {
  return Math.min(2 ** registryDepth, MAXIMUM_METERS);
}

/**
 * Packets that one relay passes on to one next hop in a slot at most: an honest relay drops what is more, and the next hop
 * takes no more on average. Twice the mean and eight standard deviations of what the paths of a full region bring.
 *
 * @param layer of the next hop; that of the control center is one more than the layers of relays
 */
export function packetsToNextHop(directory: Directory, registryDepth: number, layer: number): number {
  const mean = meanToNextHop(directory, mostMeters(registryDepth), layer);
  return SLOTS_AT_ONCE * Math.ceil(mean + DEVIATIONS * Math.sqrt(mean) + DEVIATIONS);
}

/** The mean of a slot in which each meter sends its two packets and each maker its loops. */
function meanToNextHop(directory: Directory, meters: number, layer: number): number {
  const { layers, relays } = directory;
  const loops = loopsPerSlot(directory);
  const toControlCenter = meters + loops;
  const toHubs = meters + relays.length * loops;
  const here = relaysOfLayer(directory, layer).length;
  const before = relaysOfLayer(directory, layer - 1).length;
  if (layer > layers) {
    return toControlCenter / before;
  }
  // Paths are uniform, but for packets to a hub, which end where its mailbox is: all hubs may have chosen one relay.
  const uniform = layer === layers ? toControlCenter : toControlCenter + toHubs;
  const chosen = layer === layers ? toHubs : 0;
  return (uniform / here + chosen) / before;
}
