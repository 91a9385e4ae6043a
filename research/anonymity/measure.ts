// SPDX-License-Identifier: Apache-2.0
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import { maximumDelayMilliseconds } from '../../protocol/onion/path.js';
import { ClientError } from '../../client-apps/runtime/errors.js';
import { parameterSettings } from '../../client-apps/control-center/config.js';
import type { HoldingLaw } from './decayed-sums.js';
import { Measurement } from './measurement.js';
import type { Corrupt } from './observation.js';
import type { Measured } from './measured.js';
import { seededRandom } from '../seeded-random.js';
import { simulateSlot, type TierSettings } from './simulated-tier.js';
import { readTraces, TRACE_SLACK_MILLISECONDS } from './traces.js';

/** Settings of a tier on the command line; the defaults are those of a control center. */
export interface TierFlags {
  readonly meters: number;
  readonly layers?: number;
  readonly relays: number;
  readonly meanDelay?: number;
  readonly window?: number;
}

/** Settings of a simulation on the command line. */
export interface SimulationFlags extends TierFlags {
  readonly corruptPerLayer: number;
  readonly slots: number;
  readonly targetsPerSlot: number;
  readonly seed: string;
}

/**
 * Returns the tier for these flags.
 *
 * @throws ClientError WRONG_USE when a packet could take longer than its slot
 */
export function tierOf({ meters, layers, relays, meanDelay, window }: TierFlags): TierSettings {
  const { slotSeconds, onion: defaults } = parameterSettings.shape;
  const onion = defaults.parse({
    ...(layers === undefined ? {} : { layers }),
    ...(meanDelay === undefined ? {} : { meanDelayMilliseconds: meanDelay }),
    ...(window === undefined ? {} : { offsetWindowSeconds: window }),
  });
  const slotMilliseconds = slotSeconds.parse(undefined) * 1000;
  const longest = longestPathMilliseconds(onion);
  if (longest > slotMilliseconds) {
    throw new ClientError(
      'WRONG_USE',
      `expected packets to arrive within a slot of ${slotMilliseconds / 1000} s, got up to ${longest / 1000} s`,
    );
  }
  return { meters, onion, relaysPerLayer: relays };
}

/** Longest time from the start of a slot to the arrival at the control center, milliseconds. */
export function longestPathMilliseconds(onion: OnionParameters): number {
  return onion.offsetWindowSeconds * 1000 + onion.layers * maximumDelayMilliseconds(onion);
}

/**
 * Measures simulated slots.
 *
 * @throws ClientError WRONG_USE
 */
export function measureSimulation(flags: SimulationFlags): Measured {
  const { corruptPerLayer, relays, slots, seed, targetsPerSlot } = flags;
  const tier = tierOf(flags);
  const { onion, meters } = tier;
  const measurement = measurementOf(tier, { corruptPerLayer, targetsPerSlot });
  const random = seededRandom(seed);
  for (let slot = 0; slot < slots; slot++) {
    measurement.add(simulateSlot(tier, random));
  }
  return { source: { kind: 'simulation', seed }, meters, onion, relaysPerLayer: relays, corruptPerLayer, measurement };
}

/**
 * Measures a run from the traces of its relays.
 *
 * @throws ClientError TRACE_INVALID, LIMIT_EXCEEDED, WRONG_USE
 */
export async function measureTraces(
  directory: string,
  corruptPerLayer: number,
  targetsPerSlot: number,
): Promise<Measured> {
  const { onion, meters, relaysPerLayer, slots, incomplete } = await readTraces(directory);
  const tier = { onion, meters, relaysPerLayer };
  const measurement = measurementOf(tier, {
    corruptPerLayer,
    targetsPerSlot,
    slackMilliseconds: TRACE_SLACK_MILLISECONDS,
  });
  for (const slot of slots) {
    measurement.add(slot);
  }
  const source = { kind: 'traces', directory, incomplete } as const;
  return { source, meters, onion, relaysPerLayer, corruptPerLayer, measurement };
}

/** The law of the delays at a tier's relays. */
export function holdingLaw(onion: OnionParameters, slackMilliseconds = 0): HoldingLaw {
  const longestMilliseconds = maximumDelayMilliseconds(onion) + slackMilliseconds;
  return { meanMilliseconds: onion.meanDelayMilliseconds, longestMilliseconds };
}

/**
 * Starts a measurement of a tier.
 *
 * @param observer with the time by which a relay may exceed the longest delay
 * @throws ClientError WRONG_USE when a layer has fewer relays than are corrupt
 */
export function measurementOf(
  { onion, meters, relaysPerLayer }: TierSettings,
  observer: { readonly corruptPerLayer: number; readonly targetsPerSlot: number; readonly slackMilliseconds?: number },
): Measurement {
  const { corruptPerLayer, targetsPerSlot, slackMilliseconds = 0 } = observer;
  return new Measurement({
    meters,
    law: holdingLaw(onion, slackMilliseconds),
    corrupt: firstOf(corruptPerLayer, relaysPerLayer),
    targetsPerSlot,
    longestMilliseconds: longestPathMilliseconds(onion) + onion.layers * slackMilliseconds,
  });
}

/**
 * Marks the first relays of every layer as corrupt; which ones makes no difference, because paths are drawn uniformly.
 *
 * @throws ClientError WRONG_USE when a layer has fewer relays
 */
export function firstOf(count: number, relays: number): Corrupt {
  if (count > relays) {
    throw new ClientError('WRONG_USE', `expected at most ${relays} corrupt relays per layer, got ${count}`);
  }
  return (_layer, relay) => relay < count;
}
