// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { categoriesFor } from '../../protocol/energy/categories.js';
import type { IdentityMode } from '../../protocol/identity/pseudonym-scheme.js';
import type { PriceMode } from '../../protocol/ledger/parameters.js';
import type { TariffPoint } from '../../protocol/tariff/tariff.js';
import { closeSeconds } from '../../protocol/schedule/closes.js';
import { nextStart } from '../../protocol/schedule/intervals.js';
import { ClientError } from '../runtime/errors.js';
import { averageMilliWattHours, type Readings } from '../readings/readings.js';

/** Length of a slot; the step of a readings file must be a multiple. */
const SLOT_SECONDS = 300;
const GRACE_SECONDS = 120;
const EPOCH_SECONDS = DAY_SECONDS;
/** Time between fixing the first epoch's registry and directory and its start; enrolment ends before. */
const EPOCH_LEAD_SECONDS = 1_800;
const ENROLMENT_SECONDS = 600;
/** Slots after the last close: meters and hubs read the bulletin at the start of a slot and report in the next. */
const READING_SLOTS = 2;

/** Prices at no use, at the region's average and at twice the average; nano-currency per kWh. */
const PRICES = [120_000_000n, 240_000_000n, 420_000_000n];

/** A run's course in simulated time (Unix seconds) and the parameters that follow from its readings. */
export interface Plan {
  readonly startSeconds: number;
  /** Time at which the registry and the relay directory of the first epoch are fixed. */
  readonly registrySeconds: number;
  readonly firstIntervalSeconds: number;
  readonly endSeconds: number;
  readonly intervals: number;
  readonly intervalSeconds: number;
  /** The closes of the intervals. */
  readonly closes: readonly number[];
  /** The control center's settings of version 1 but for the tariff's signature. */
  readonly settings: {
    readonly effectiveFromSeconds: number;
    readonly intervalSeconds: number;
    readonly slotSeconds: number;
    readonly graceSeconds: number;
    readonly epochOriginSeconds: number;
    readonly epochSeconds: number;
    readonly categoriesMilliWattHours: readonly bigint[];
    readonly kAnonymity: number;
    readonly identityMode: IdentityMode;
    readonly priceMode: PriceMode;
    readonly onion: { readonly layers: number };
    readonly tariff: { readonly points: readonly TariffPoint[] };
  };
  readonly epochLeadSeconds: number;
}

/** Parameters that the user chooses. */
export interface PlanChoices {
  readonly kAnonymity: number;
  readonly identityMode: IdentityMode;
  readonly priceMode: PriceMode;
  readonly layers: number;
}

/** Plans a run. @throws ClientError READINGS_INVALID when the step is not a multiple of a slot or there is no energy */
export function planRun(readings: Readings, choices: PlanChoices): Plan {
  const { kAnonymity, identityMode, priceMode, layers } = choices;
  const { intervalSeconds, intervals, startSeconds: first } = readings;
  const average = averageMilliWattHours(readings);
  if (average === 0n) {
    throw new ClientError('READINGS_INVALID', `${readings.source}: no energy in ${intervals} intervals`);
  }
  if (intervalSeconds % SLOT_SECONDS !== 0) {
    throw new ClientError(
      'READINGS_INVALID',
      `${readings.source}: step of ${intervalSeconds} s must be a multiple of ${SLOT_SECONDS} s`,
    );
  }
  const timing = { intervalSeconds, graceSeconds: GRACE_SECONDS };
  const closes = Array.from({ length: intervals }, (_, j) => closeSeconds(timing, nextStart(timing, first, j)));
  const registrySeconds = first - EPOCH_LEAD_SECONDS;
  return {
    startSeconds: registrySeconds - ENROLMENT_SECONDS,
    registrySeconds,
    firstIntervalSeconds: first,
    endSeconds: closes.at(-1)! - GRACE_SECONDS + READING_SLOTS * SLOT_SECONDS,
    intervals,
    intervalSeconds,
    closes,
    epochLeadSeconds: EPOCH_LEAD_SECONDS,
    settings: {
      effectiveFromSeconds: first,
      intervalSeconds,
      slotSeconds: SLOT_SECONDS,
      graceSeconds: GRACE_SECONDS,
      epochOriginSeconds: first,
      epochSeconds: EPOCH_SECONDS,
      categoriesMilliWattHours: categoriesFor(average),
      kAnonymity,
      identityMode,
      priceMode,
      onion: { layers },
      tariff: { points: demoTariff(average) },
    },
  };
}

function demoTariff(average: bigint): TariffPoint[] {
  return PRICES.map((price, index) => ({
    perMeterMilliWattHours: BigInt(index) * average,
    priceNanoPerKilowattHour: price,
  }));
}
