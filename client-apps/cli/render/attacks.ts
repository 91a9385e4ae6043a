// SPDX-License-Identifier: Apache-2.0
import { categoriesFor } from '../../../protocol/energy/categories.js';
import { ROW_PLACES } from '../../../protocol/onion/geometry.js';
import { slotsPerInterval } from '../../../protocol/schedule/slots.js';
import { averageMilliWattHours, type Readings } from '../../readings/readings.js';
import { syntheticReadings } from '../../readings/synthetic.js';
import { loadReadings } from '../../readings/load.js';
import { ClientError } from '../../runtime/errors.js';
import { parameterSettings } from '../../control-center/config.js';
import { pairs, table, type Result } from '../output.js';
import { absenceAttack, type AbsenceFinding } from '../../../research/attacks/absence.js';
import { isolationAttack } from '../../../research/attacks/isolation.js';
import { tierOf, type TierFlags } from '../../../research/anonymity/measure.js';
import { pairingAttack } from '../../../research/attacks/pairing.js';
import { round } from './anonymity.js';
import { seededRandom } from '../../../research/seeded-random.js';

/** Mean delays of the pairing attack besides the tier's own, milliseconds. */
const SHORT_DELAYS = [100, 500, 1_000, 2_000];

/** Start of synthetic readings: Monday 2026-01-05, 00:00 UTC. */
const SYNTHETIC_START_SECONDS = 1_767_571_200;
const DAY_SECONDS = 86_400;

/**
 * Measures the pairing and isolation attacks.
 *
 * @throws ClientError WRONG_USE
 */
export function attacksResult(flags: TierFlags & { readonly slots: number; readonly seed: string }): Result {
  const tier = tierOf(flags);
  const { meters, onion } = tier;
  const delays = [...SHORT_DELAYS.filter((delay) => delay < onion.meanDelayMilliseconds), onion.meanDelayMilliseconds];
  const pairing = delays.map((meanDelayMilliseconds) => ({
    meanDelayMilliseconds,
    ...pairingAttack(meters, { ...onion, meanDelayMilliseconds }, flags.slots, seededRandom(`${flags.seed} pairing`)),
  }));
  const isolation = isolationAttack(tier, flags.slots, seededRandom(`${flags.seed} isolation`));
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  return {
    data: {
      meters,
      slots: flags.slots,
      seed: flags.seed,
      pairing: pairing.map((found) => ({
        meanDelayMilliseconds: found.meanDelayMilliseconds,
        sameOffsetBits: round(found.sameOffsetBits, 4),
        sameOffsetGuessShare: round(found.sameOffsetGuessShare, 6),
        ownOffsetsGuessShare: round(found.ownOffsetsGuessShare, 6),
      })),
      isolation: isolation.map((found) => ({
        corruptEntryRelays: found.corruptEntryRelays,
        meanEntropyBits: round(found.meanEntropyBits, 4),
        missingMeters: round(found.missingMeters, 1),
      })),
    },
    text: [
      `Pairing attack: match a meter's two packets by arrival time, ${meters} meters (chance: ${percent(1 / meters)})`,
      ...table([
        ['mean delay', 'bits left, same offset', 'correct guesses, same offset', 'correct guesses, own offsets'],
        ...pairing.map((found) => [
          `${found.meanDelayMilliseconds} ms`,
          `${found.sameOffsetBits.toFixed(2)} of ${Math.log2(meters).toFixed(2)}`,
          percent(found.sameOffsetGuessShare),
          percent(found.ownOffsetsGuessShare),
        ]),
      ]),
      '',
      'Isolation attack: entry relays drop all packets but one',
      ...table([
        ['corrupt entry relays', 'sender entropy, bits', 'meters missing in the slot'],
        ...isolation.map(({ corruptEntryRelays, meanEntropyBits, missingMeters }) => [
          `${corruptEntryRelays} of ${tier.relaysPerLayer}`,
          Math.abs(meanEntropyBits).toFixed(2),
          missingMeters.toFixed(0),
        ]),
      ]),
    ],
  };
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
export async function absenceResult(flags: AbsenceFlags): Promise<Result> {
  const readings = await readingsOf(flags);
  const { intervalSeconds, intervals, source } = readings;
  if (intervals * intervalSeconds < 3 * DAY_SECONDS || flags.silences * 4 > intervals) {
    throw new ClientError(
      'WRONG_USE',
      `expected readings of three days or more and four intervals per silence, got ${intervals} intervals of ` +
        `${intervalSeconds} s and ${flags.silences} silences`,
    );
  }
  const slots = slotsPerInterval({
    intervalSeconds,
    slotSeconds: parameterSettings.shape.slotSeconds.parse(undefined),
  });
  const largest = categoriesFor(averageMilliWattHours(readings)).at(-1)!;
  const mostPerInterval = (Math.max(1, Math.floor(slots)) * ROW_PLACES * Number(largest)) / 1000;
  const attack = absenceAttack(readings, flags.silences, mostPerInterval, seededRandom(`${flags.seed} absence`));
  const { singles, day, daySpread } = attack;
  const finding = ({ spreadWattHours, errorWattHours, learned }: AbsenceFinding) => ({
    spreadWattHours: round(spreadWattHours, 1),
    errorWattHours: round(errorWattHours, 1),
    learned: round(learned, 4),
  });
  const row = (name: string, { spreadWattHours, errorWattHours, learned }: AbsenceFinding): string[] => [
    name,
    `${spreadWattHours.toFixed(0)} Wh`,
    `${errorWattHours.toFixed(0)} Wh`,
    `${(100 * learned).toFixed(1)} %`,
  ];
  return {
    data: {
      source,
      meters: attack.meters,
      intervalSeconds,
      intervals,
      totalDeviationWattHours: round(attack.totalDeviationWattHours, 1),
      singles: {
        silences: singles.silences,
        ...finding(singles),
        silencesForHalf: Math.round(singles.silencesForHalf),
      },
      day: finding(day),
      daySpread: finding(daySpread),
      seed: flags.seed,
    },
    text: [
      ...pairs([
        ['readings', source],
        ['region', `${attack.meters} meters, ${intervals} intervals of ${intervalSeconds / 60} minutes`],
        ['interval total', `deviates from the forecast by ${attack.totalDeviationWattHours.toFixed(0)} Wh`],
      ]),
      '',
      ...table([
        ['observed', 'spread of households', 'estimation error', 'share learned'],
        row(`${singles.silences} silences of one interval`, singles),
        row('one day of silence, sent at once', day),
        row('one day of silence, spread over a day', daySpread),
      ]),
      `An observer learns half of the spread after ${Math.round(singles.silencesForHalf)} silences of a household.`,
    ],
  };
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
