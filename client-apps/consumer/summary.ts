// SPDX-License-Identifier: Apache-2.0
import type { LoggedInterval } from './state/interval-log.js';
import type { HubState } from './state/state.js';

/** Intervals that a summary lists, the newest: a week of half hours. */
const LISTED_INTERVALS = 336;

/** A household's view of its own bills, for its page. Amounts are decimal strings. Private. */
export interface HouseholdSummary {
  readonly intervals: number;
  readonly fullChecks: number;
  readonly disputes: number;
  readonly rows: number;
  readonly leftOut: number;
  readonly onLedgerMilliWattHours: string;
  readonly billedNanoCurrency: string;
  /** Energy that was on the ledger before this hub began; undefined until it could be compared. */
  readonly earlierMilliWattHours?: string;
  /** The meter's last word, when there is one. */
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
  const said = state.totals.at(-1);
  return {
    intervals: sums.intervals,
    fullChecks: sums.fullChecks,
    disputes: sums.disputes,
    rows: sums.rows,
    leftOut: sums.leftOut,
    onLedgerMilliWattHours: sums.onLedgerMilliWattHours.toString(),
    billedNanoCurrency: sums.billedNanoCurrency.toString(),
    ...(offset === undefined ? {} : { earlierMilliWattHours: offset.toString() }),
    ...(said === undefined
      ? {}
      : {
          meter: {
            slotSeconds: said.slotSeconds,
            measuredMilliWattHours: said.measured.toString(),
            carriedMilliWattHours: said.carried.toString(),
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
