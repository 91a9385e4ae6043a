// SPDX-License-Identifier: Apache-2.0
import type { VerifiedInterval } from '../../../protocol/rules/verify-interval.js';
import { formatMilliWattHours, formatNanoCurrency } from '../../../protocol/energy/units.js';
import type { Readings } from '../../readings/readings.js';
import { pairs, table } from '../output.js';
import type { Outcome } from '../../demo/outcome.js';
import type { LedgerKind } from '../../demo/run.js';

/** Renders a run as JSON. */
export function outcomeJson(outcome: Outcome, ledger: LedgerKind, seconds: number): Record<string, unknown> {
  const { intervals, consumers, fingerprint, ...sums } = outcome;
  return {
    ledger,
    ...sums,
    intervals: intervals.length,
    prices: intervals.map(priceOf),
    consumers: { verified: consumers.verified, disputes: consumers.disputes },
    seconds,
    controlCenterKey: fingerprint,
  };
}

/** Renders a run as text. */
export function outcomeText(outcome: Outcome, readings: Readings, out: string, seconds: number): string[] {
  const { consumers, intervals, meters } = outcome;
  const verified =
    `${consumers.verified} of ${meters} households found all their rows and verified every price and bill; ` +
    `${consumers.disputes} disputes.`;
  const checks = `Every hub checked its own rows; ${consumers.fullChecks} full checks verified every signature as well.`;
  return [
    '',
    `Energy of ${meters} households, ${intervals.length} ${intervals.length === 1 ? 'interval' : 'intervals'} of ${readings.intervalSeconds / 60} minutes`,
    ...indent(
      pairs([
        ['measured', `${formatMilliWattHours(outcome.measuredMilliWattHours)} (readings)`],
        ['on the ledger', `${formatMilliWattHours(outcome.onLedgerMilliWattHours)} (rows found by the hubs)`],
        ['carried over', `${formatMilliWattHours(outcome.carriedMilliWattHours)} (meters)`],
        ['in flight', `${formatMilliWattHours(outcome.inFlightMilliWattHours)} (meters)`],
      ]),
    ),
    '  measured = on the ledger + carried over + in flight, for every household and in total',
    '',
    `Public ledger of region ${outcome.region}`,
    ...indent(intervalTable(intervals)),
    '',
    'Verified by the consumers',
    ...indent([verified, checks]),
    '',
    `The bulletin is in ${out}. To audit it:`,
    ...indent([`npx gridveil verify ${quoted(out)} --cc-key ${outcome.fingerprint}`]),
    '',
    `Finished in ${seconds} s.`,
  ];
}

/** Renders one line per interval: rows of each category, energy, price, sum of the bills. */
function intervalTable(intervals: readonly VerifiedInterval[]): string[] {
  const categories = intervals[0]?.parameters.categoriesMilliWattHours ?? [];
  const rows = intervals.map((interval) => [
    new Date(interval.ledgerId.startSeconds * 1000).toISOString().slice(0, 16).replace('T', ' '),
    ...interval.rowsPerCategory.map(String),
    formatMilliWattHours(interval.totalMilliWattHours),
    formatNanoCurrency(priceOf(interval)),
    formatNanoCurrency(interval.billedNanoCurrency ?? 0n),
  ]);
  const sum = (amount: (interval: VerifiedInterval) => bigint): bigint =>
    intervals.reduce((total, interval) => total + amount(interval), 0n);
  return table([
    ['rows of', ...categories.map((category) => `${category / 1_000n} Wh`), 'energy', 'price per kWh', 'bills'],
    ...rows,
    [
      'total',
      ...categories.map((_, index) => String(sum(({ rowsPerCategory }) => BigInt(rowsPerCategory[index] ?? 0)))),
      formatMilliWattHours(sum(({ totalMilliWattHours }) => totalMilliWattHours)),
      '',
      formatNanoCurrency(sum(({ billedNanoCurrency }) => billedNanoCurrency ?? 0n)),
    ],
  ]);
}

/** The price of an interval; a run that passed its audit has one for every interval. */
function priceOf(interval: VerifiedInterval): bigint {
  return interval.priceNanoPerKilowattHour ?? 0n;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Quotes a path for a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
