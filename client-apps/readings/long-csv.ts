// SPDX-License-Identifier: Apache-2.0
import { parseInstant } from './local-time.js';
import type { Readings } from './readings.js';
import type { SeriesCollector } from './series-collector.js';

/** Columns of the long format: one reading per line. */
export interface LongLayout {
  readonly columns: number;
  readonly householdColumn: number;
  readonly startColumn: number;
  readonly energyColumn: number;
}

/** Parses a long header: `household`, `start`, `kwh` in any order; other columns are ignored. */
export function longLayout(names: readonly string[]): LongLayout | undefined {
  const [householdColumn, startColumn, energyColumn] = ['household', 'start', 'kwh'].map((name) => names.indexOf(name));
  if (householdColumn! < 0 || startColumn! < 0 || energyColumn! < 0) {
    return undefined;
  }
  return {
    columns: names.length,
    householdColumn: householdColumn!,
    startColumn: startColumn!,
    energyColumn: energyColumn!,
  };
}

/** Returns a reader of long lines. Households may be interleaved; each one's readings are in time order. */
export function longReader(collector: SeriesCollector, layout: LongLayout): (fields: string[], line: number) => void {
  return (fields, line) => {
    const series = collector.open(fields[layout.householdColumn] ?? '', line);
    if (series === undefined) {
      return;
    }
    if (fields.length !== layout.columns) {
      collector.refuse(series, 'BAD_LINE', line, `expected ${layout.columns} columns, got ${fields.length}`);
      return;
    }
    const start = parseInstant(fields[layout.startColumn]!);
    if (start === undefined) {
      collector.refuse(series, 'BAD_TIME', line, 'start must be an ISO 8601 time with an offset');
      return;
    }
    collector.add(series, start, fields[layout.energyColumn]!, line);
  };
}

/** Writes one household's series as a long CSV, for its meter. */
export function writeLongCsv(readings: Readings, household: number): string {
  const { id, milliWattHours } = readings.households[household]!;
  const lines = ['household,start,kwh'];
  milliWattHours.forEach((energy, step) => {
    const start = new Date((readings.startSeconds + step * readings.intervalSeconds) * 1000);
    lines.push(`${id},${start.toISOString().replace('.000', '')},${kilowattHours(energy)}`);
  });
  return `${lines.join('\n')}\n`;
}

/** Exact decimal text; a milliwatt hour is the sixth decimal of a kilowatt hour. */
function kilowattHours(milliWattHours: bigint): string {
  const digits = milliWattHours.toString().padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
