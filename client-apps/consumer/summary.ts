// SPDX-License-Identifier: Apache-2.0
import type { LoggedInterval } from './state/interval-log.js';
import type { HubState } from './state/state.js';

/** Number of intervals in a summary: a week of half hours. */
const LISTED_INTERVALS = 336;

/** Summary of a household's bills, private. Amounts are decimal strings. */
export interface HouseholdSummary {
  readonly intervals: number;
  readonly fullChecks: number;
  readonly disputes: number;
  readonly rows: number;
  readonly unpublished: number;
  readonly onLedgerMilliWattHours: string;
  readonly billedNanoCurrency: string;
  /** Energy on the ledger from before the hub's first interval; undefined before the first comparison. */
  readonly earlierMilliWattHours?: string;
  /** The meter's last totals, if any. */
  readonly meter?: {
    readonly slotSeconds: number;
    readonly measuredMilliWattHours: string;
    readonly carriedMilliWattHours: string;
  };
  /** The newest intervals, ascending. */
  readonly listed: readonly {
    readonly startSeconds: number;
    readonly depth: 'full' | 'light';
    readonly priceNanoPerKilowattHour: string;
    readonly milliWattHours: string;
    readonly billNanoCurrency: string;
  }[];
}

/** Builds the summary from the hub's own files. */
export async function householdSummary(
  state: HubState,
  intervals: AsyncIterable<LoggedInterval>,
): Promise<HouseholdSummary> {
  const { sums, offset } = state;
  const newest: LoggedInterval[] = [];
  for await (const interval of intervals) {
    newest.push(interval);
    if (newest.length > LISTED_INTERVALS) {
      newest.shift();
    }
  }
  const totals = state.totals.at(-1);
  return {
    intervals: sums.intervals,
    fullChecks: sums.fullChecks,
    disputes: sums.disputes,
    rows: sums.rows,
    unpublished: sums.unpublished,
    onLedgerMilliWattHours: sums.onLedgerMilliWattHours.toString(),
    billedNanoCurrency: sums.billedNanoCurrency.toString(),
    ...(offset === undefined ? {} : { earlierMilliWattHours: offset.toString() }),
    ...(totals === undefined
      ? {}
      : {
          meter: {
            slotSeconds: totals.slotSeconds,
            measuredMilliWattHours: totals.measured.toString(),
            carriedMilliWattHours: totals.carried.toString(),
          },
        }),
    listed: newest.map(({ startSeconds, depth, priceNanoPerKilowattHour, rows }) => ({
      startSeconds,
      depth,
      priceNanoPerKilowattHour: priceNanoPerKilowattHour.toString(),
      milliWattHours: rows.reduce((sum, row) => sum + row.milliWattHours, 0n).toString(),
      billNanoCurrency: rows.reduce((sum, row) => sum + row.billNanoCurrency, 0n).toString(),
    })),
  };
}
