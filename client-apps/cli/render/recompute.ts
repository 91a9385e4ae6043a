// SPDX-License-Identifier: Apache-2.0
import { formatMilliWattHours, formatNanoCurrency } from '../../../protocol/energy/units.js';
import type { RecomputedBulletin } from '../../bulletin/recompute-bulletin.js';
import { table, timeText, type Result } from '../output.js';
import { faultLines, unverifiedKey } from './verify.js';

/** Renders the bills that a household computed from a bulletin. @param handles how many it looked for */
export function recomputeResult(
  { audit, intervals, missing }: RecomputedBulletin,
  { directory, ccKey, handles }: { directory: string; ccKey: string | undefined; handles: number },
): Result {
  const found = handles - missing.length;
  const differing = intervals.filter(
    ({ billNanoCurrency, billedNanoCurrency }) => (billedNanoCurrency ?? billNanoCurrency) !== billNanoCurrency,
  );
  // Without any row of the household nothing has been checked.
  const ok = audit.faultCount === 0 && differing.length === 0 && found > 0;
  const energy = intervals.reduce((sum, { milliWattHours }) => sum + milliWattHours, 0n);
  const bill = intervals.reduce((sum, { billNanoCurrency }) => sum + billNanoCurrency, 0n);
  return {
    ok,
    data: {
      directory,
      ok,
      trustedKey: audit.trusted ?? null,
      keyWasGiven: ccKey !== undefined,
      faultCount: audit.faultCount,
      faults: audit.faults,
      missingHandles: missing.length,
      milliWattHours: energy,
      billNanoCurrency: bill,
      intervals: intervals.map((interval) => ({
        ...interval,
        found: undefined,
        rows: interval.found.length,
        billedNanoCurrency: interval.billedNanoCurrency ?? null,
      })),
    },
    text: [
      ...faultLines(audit),
      ...table([
        ['interval', 'rows', 'own energy', 'region', 'price per kWh', 'computed bill', "provider's bill"],
        ...intervals.map((interval) => [
          timeText(interval.startSeconds),
          String(interval.found.length),
          formatMilliWattHours(interval.milliWattHours),
          formatMilliWattHours(interval.regionMilliWattHours),
          formatNanoCurrency(interval.priceNanoPerKilowattHour),
          formatNanoCurrency(interval.billNanoCurrency),
          interval.billedNanoCurrency === undefined ? 'not sealed' : formatNanoCurrency(interval.billedNanoCurrency),
        ]),
        ['total', String(found), formatMilliWattHours(energy), '', '', formatNanoCurrency(bill)],
      ]),
      ...(missing.length > 0 ? [`${missing.length} of ${handles} handles have no row in this bulletin`] : []),
      verdict(ok, found, missing.length),
      ...unverifiedKey(audit.trusted, ccKey),
    ],
  };
}

function verdict(ok: boolean, found: number, missing: number): string {
  if (found === 0) {
    return 'FAILED: no row of the household found, no bill checked';
  }
  if (!ok) {
    return 'FAILED: faults or differing bills';
  }
  return missing === 0 ? 'ok: every bill is correct' : 'ok: every bill is correct for the rows found';
}
