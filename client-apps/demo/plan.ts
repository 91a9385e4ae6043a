// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { categoriesFor } from '../../protocol/energy/categories.js';
import type { IdentityMode } from '../../protocol/identity/pseudonym-scheme.js';
import type { PriceMode } from '../../protocol/ledger/parameters.js';
import type { TariffPoint } from '../../protocol/tariff/tariff.js';
import { ClientError } from '../runtime/errors.js';
import { averageMilliWattHours, type Readings } from '../readings/readings.js';

/** Length of a slot; a readings file's step must be whole slots. */
const SLOT_SECONDS = 300;
const GRACE_SECONDS = 120;
const EPOCH_SECONDS = DAY_SECONDS;
/** Before the first interval the registry and the directory of its epoch are fixed; before that everybody enrols. */
const EPOCH_LEAD_SECONDS = 1_800;
const ENROLMENT_SECONDS = 600;
/** After the last close every meter and hub reads the bulletin at the start of its next slot; one more for the answer. */
const READING_SLOTS = 2;

/** What the demo's energy costs: at no use, at the region's average, at twice the average; nano-currency per kWh. */
const PRICES = [120_000_000n, 240_000_000n, 420_000_000n];

/** A run's course in simulated time (Unix seconds) and the parameters that follow from its readings. */
export interface Plan {
  readonly startSeconds: number;
  /** When the registry and the relay directory of the first epoch are fixed. */
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

/** What of the parameters is the user's choice. */
export interface PlanChoices {
  readonly kAnonymity: number;
  readonly identityMode: IdentityMode;
  readonly priceMode: PriceMode;
  readonly layers: number;
}

/** @throws ClientError READINGS_INVALID when the step of the readings is not whole slots, or they hold no energy */
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
      `${readings.source}: a step of ${intervalSeconds} s is not whole 5-minute slots`,
    );
  }
  const closes = Array.from({ length: intervals }, (_, j) => first + (j + 2) * intervalSeconds + GRACE_SECONDS);
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
