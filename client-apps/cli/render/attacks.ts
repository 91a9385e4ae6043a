// SPDX-License-Identifier: Apache-2.0
import type { AbsenceAttack, AbsenceFinding } from '../../../research/attacks/absence.js';
import type { AttackOutcome, HostileAttack } from '../../../research/attacks/hostile.js';
import type { AttackFlags, MeasuredAttacks } from '../../../research/attacks/measure.js';
import { pairs, table, type Result } from '../output.js';
import { round } from './anonymity.js';

/** Renders the pairing and isolation attacks. */
export function attacksResult(
  { relaysPerLayer, pairing, isolation }: MeasuredAttacks,
  { meters, slots, seed }: AttackFlags,
): Result {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  return {
    data: {
      meters,
      slots,
      seed,
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
          `${corruptEntryRelays} of ${relaysPerLayer}`,
          Math.abs(meanEntropyBits).toFixed(2),
          missingMeters.toFixed(0),
        ]),
      ]),
    ],
  };
}

/** Renders the absence attack. */
export function absenceResult(attack: AbsenceAttack & { readonly source: string }, seed: string): Result {
  const { source, meters, intervals, intervalSeconds, singles, day, daySpread } = attack;
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
      meters,
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
      seed,
    },
    text: [
      ...pairs([
        ['readings', source],
        ['region', `${meters} meters, ${intervals} intervals of ${intervalSeconds / 60} minutes`],
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

/** Renders the list of attacks. */
export function attackListResult(attacks: readonly HostileAttack[]): Result {
  return {
    data: { attacks },
    text: attacks.flatMap(({ name, by, sentence, succeeds }) => [
      `${name} (by ${by})`,
      `  ${succeeds ? 'succeeds: ' : ''}${sentence}`,
    ]),
  };
}

/** Renders the outcome of one attack. */
export function attackOutcomeResult(attack: HostileAttack & AttackOutcome): Result {
  const { name, by, sentence, tried, noticed, succeeds, status, seconds, seen, reason } = attack;
  const outcome = { ok: 'as expected', FAILED: 'NOT AS EXPECTED', SKIPPED: 'not tried' }[status];
  return {
    ok: status !== 'FAILED',
    data: { ...attack },
    text: [
      ...pairs([
        ['attack', name],
        ['by', by],
        ['tried', tried],
        ['expected', succeeds ? `${sentence} (the attack succeeds; its remedy comes later)` : sentence],
        ['happened', `${outcome}, ${seconds} s${reason === undefined ? '' : `: ${reason}`}`],
        ['detected by', noticed],
      ]),
      ...seen.map((line) => `  seen: ${line}`),
    ],
  };
}
