// SPDX-License-Identifier: Apache-2.0
import { formatMilliWattHours, formatNanoCurrency } from '../../../protocol/energy/units.js';
import type { Dispute, HouseholdSummary } from '../../consumer/main.js';
import { table, timeText, type Result } from '../output.js';

/** Renders a household's verified intervals and bills. */
export function billResult(summary: HouseholdSummary): Result {
  return {
    data: { ...summary },
    text: table([
      ['interval', 'energy', 'price per kWh', 'bill', 'check'],
      ...summary.listed.map((interval) => [
        timeText(interval.startSeconds),
        formatMilliWattHours(BigInt(interval.milliWattHours)),
        formatNanoCurrency(BigInt(interval.priceNanoPerKilowattHour)),
        formatNanoCurrency(BigInt(interval.billNanoCurrency)),
        interval.depth,
      ]),
      [
        `total of ${summary.intervals}`,
        formatMilliWattHours(BigInt(summary.onLedgerMilliWattHours)),
        '',
        formatNanoCurrency(BigInt(summary.billedNanoCurrency)),
        `${summary.disputes} ${summary.disputes === 1 ? 'dispute' : 'disputes'}`,
      ],
    ]),
  };
}

/** Renders a hub's disputes, one line for each fault. */
export function disputesResult(disputes: readonly Dispute[]): Result {
  return {
    ok: disputes.length === 0,
    data: { disputes },
    text: disputes.flatMap(({ kind, region, startSeconds, faults }) =>
      faults.map(({ file, code, message }) => `${kind} ${region}/${startSeconds} ${file}: ${code}: ${message}`),
    ),
  };
}
