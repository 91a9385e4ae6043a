// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { parseDate, TimeZone, type ZoneDay } from './local-time.js';
import { ReadingsError } from './readings.js';
import type { SeriesCollector } from './series-collector.js';

const TIME_COLUMN = /^(\d{2}):(\d{2})$/;

/** Columns of the wide format: one household and day per line, one column per step. */
export interface WideLayout {
  readonly columns: number;
  readonly householdColumn: number;
  readonly dateColumn: number;
  readonly firstTimeColumn: number;
  readonly stepSeconds: number;
}

/**
 * Parses a wide header: `household`, `date` and one column for each step of a day, named by the step's start from 00:00
 * on; other columns are ignored.
 *
 * @returns undefined when the header is not of this format
 * @throws ReadingsError BAD_STEP when the time columns are not the equal steps of a whole day
 */
export function wideLayout(collector: SeriesCollector, names: readonly string[]): WideLayout | undefined {
  const householdColumn = names.indexOf('household');
  const dateColumn = names.indexOf('date');
  const times = names.flatMap((name, column) => (TIME_COLUMN.test(name) ? [column] : []));
  const firstTimeColumn = times[0];
  if (householdColumn < 0 || dateColumn < 0 || firstTimeColumn === undefined) {
    return undefined;
  }
  const stepSeconds = DAY_SECONDS / times.length;
  const regular = times.every((column, position) => {
    const [hours, minutes] = names[column]!.split(':').map(Number) as [number, number];
    return column === firstTimeColumn + position && (hours * 60 + minutes) * 60 === position * stepSeconds;
  });
  if (!regular) {
    throw collector.error('BAD_STEP', 1, 'time columns must be the equal steps of a day from 00:00 on');
  }
  collector.setStep(stepSeconds, 1);
  return { columns: names.length, householdColumn, dateColumn, firstTimeColumn, stepSeconds };
}

/**
 * Returns a reader of wide lines, which caches the days it has located in the time zone.
 *
 * @throws ReadingsError UNKNOWN_TIME_ZONE
 */
export function wideReader(collector: SeriesCollector, layout: WideLayout): (fields: string[], line: number) => void {
  const zone = timeZone(collector);
  const days = new Map<string, ZoneDay>();
  const { columns, householdColumn, dateColumn, firstTimeColumn, stepSeconds } = layout;
  const steps = DAY_SECONDS / stepSeconds;

  const day = (text: string): ZoneDay => {
    const known = days.get(text);
    if (known !== undefined) {
      return known;
    }
    const date = parseDate(text);
    const found = date === undefined ? { fault: '' } : zone.day(date, stepSeconds);
    days.set(text, found);
    return found;
  };

  return (fields, line) => {
    const series = collector.open(fields[householdColumn] ?? '', line);
    if (series === undefined) {
      return;
    }
    if (fields.length !== columns) {
      collector.refuse(series, 'BAD_LINE', line, `expected ${columns} columns, got ${fields.length}`);
      return;
    }
    const placed = day(fields[dateColumn]!);
    if ('fault' in placed) {
      if (placed.fault !== '') {
        collector.refuse(series, 'CLOCK_CHANGE', line, placed.fault);
      } else {
        collector.refuse(series, 'BAD_TIME', line, 'date must be YYYY-MM-DD');
      }
      return;
    }
    for (let step = 0; step < steps; step++) {
      const start = placed.startSeconds + step * stepSeconds;
      if (!collector.add(series, start, fields[firstTimeColumn + step]!, line)) {
        return;
      }
    }
  };
}

function timeZone({ path, options }: SeriesCollector): TimeZone {
  const name = options.timeZone ?? 'UTC';
  try {
    return new TimeZone(name);
  } catch (cause) {
    throw new ReadingsError('UNKNOWN_TIME_ZONE', path, `unknown time zone ${name}`, { cause });
  }
}
