// SPDX-License-Identifier: Apache-2.0
import { categoriesFor } from '../../protocol/energy/categories.js';
import { ROW_PLACES } from '../../protocol/onion/geometry.js';
import { parameterSettings } from '../../client-apps/control-center/config.js';
import { loadReadings } from '../../client-apps/readings/load.js';
import { averageMilliWattHours, type Readings } from '../../client-apps/readings/readings.js';
import { syntheticReadings } from '../../client-apps/readings/synthetic.js';
import { ClientError } from '../../client-apps/runtime/errors.js';
import { tierOf, type TierFlags } from '../anonymity/measure.js';
import { seededRandom } from '../seeded-random.js';
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { absenceAttack, type AbsenceAttack } from './absence.js';
import { isolationAttack, type Isolation } from './isolation.js';
import { pairingAttack, type PairingAttack } from './pairing.js';

/** Mean delays of the pairing attack besides the tier's own, milliseconds. */
const SHORT_DELAYS = [100, 500, 1_000, 2_000];

/** Start of synthetic readings: Monday 2026-01-05, 00:00 UTC. */
const SYNTHETIC_START_SECONDS = 1_767_571_200;

/** Settings of the attacks on a tier. */
export interface AttackFlags extends TierFlags {
  readonly slots: number;
  readonly seed: string;
}

/** The pairing attack by mean delay, and the isolation attack by number of corrupt entry relays. */
export interface MeasuredAttacks {
  readonly relaysPerLayer: number;
  readonly pairing: readonly (PairingAttack & { readonly meanDelayMilliseconds: number })[];
  readonly isolation: readonly Isolation[];
}

/**
 * Measures the pairing and isolation attacks.
 *
 * @throws ClientError WRONG_USE
 */
export function measureAttacks(flags: AttackFlags): MeasuredAttacks {
  const tier = tierOf(flags);
  const { meters, onion, relaysPerLayer } = tier;
  const delays = [...SHORT_DELAYS.filter((delay) => delay < onion.meanDelayMilliseconds), onion.meanDelayMilliseconds];
  const pairing = delays.map((meanDelayMilliseconds) => ({
    meanDelayMilliseconds,
    ...pairingAttack(meters, { ...onion, meanDelayMilliseconds }, flags.slots, seededRandom(`${flags.seed} pairing`)),
  }));
  const isolation = isolationAttack(tier, flags.slots, seededRandom(`${flags.seed} isolation`));
  return { relaysPerLayer, pairing, isolation };
}

/** Settings of the absence attack. */
export interface AbsenceFlags {
  readonly meters: number;
  /** Readings file; by default synthetic readings of the given days and intervals. */
  readonly readings?: string;
  readonly days: number;
  readonly intervalMinutes: number;
  readonly silences: number;
  readonly seed: string;
}

/**
 * Measures the absence attack.
 *
 * @throws ClientError WRONG_USE; ReadingsError
 */
export async function measureAbsence(flags: AbsenceFlags): Promise<AbsenceAttack & { readonly source: string }> {
  const readings = await readingsOf(flags);
  const { intervalSeconds, intervals, source } = readings;
  if (intervals * intervalSeconds < 3 * DAY_SECONDS || flags.silences * 4 > intervals) {
    throw new ClientError(
      'WRONG_USE',
      `expected readings of three days or more and four intervals per silence, got ${intervals} intervals of ` +
        `${intervalSeconds} s and ${flags.silences} silences`,
    );
  }
  const slots = intervalSeconds / parameterSettings.shape.slotSeconds.parse(undefined);
  const largest = categoriesFor(averageMilliWattHours(readings)).at(-1)!;
  const mostPerInterval = (Math.max(1, Math.floor(slots)) * ROW_PLACES * Number(largest)) / 1000;
  const random = seededRandom(`${flags.seed} absence`);
  return { source, ...absenceAttack(readings, flags.silences, mostPerInterval, random) };
}

function readingsOf({ meters, readings, days, intervalMinutes, seed }: AbsenceFlags): Promise<Readings> | Readings {
  if (readings !== undefined) {
    return loadReadings(readings, { meters });
  }
  const intervalSeconds = 60 * intervalMinutes;
  return syntheticReadings({
    seed,
    meters,
    intervals: (days * DAY_SECONDS) / intervalSeconds,
    intervalSeconds,
    startSeconds: SYNTHETIC_START_SECONDS,
  });
}
