// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';

/** Parses a calendar day, `YYYY-MM-DD`, to seconds since 1970-01-01 00:00 of the same wall clock. */
export function parseDate(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) {
    return undefined;
  }
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const milliseconds = Date.UTC(year, month - 1, day);
  // Date.UTC moves 31 April to 1 May: a date that does not read back is invalid.
  return new Date(milliseconds).toISOString().startsWith(text) ? milliseconds / 1000 : undefined;
}

/**
 * Parses an instant in ISO 8601 with its offset, to the second: `2013-11-11T00:30:00Z`, `2013-11-11T01:30+01:00`.
 *
 * @returns Unix seconds, or undefined when the text is not of this form
 */
export function parseInstant(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:Z|([+-])(\d{2}):?(\d{2}))$/.exec(text);
  if (match === null) {
    return undefined;
  }
  const day = parseDate(match[1]!);
  const [hour, minute, second] = [match[2], match[3], match[4] ?? '0'].map(Number) as [number, number, number];
  const [offsetHours, offsetMinutes] = [match[6] ?? '0', match[7] ?? '0'].map(Number) as [number, number];
  if (day === undefined || hour > 23 || minute > 59 || second > 59 || offsetHours > 14 || offsetMinutes > 59) {
    return undefined;
  }
  const offset = (offsetHours * 60 + offsetMinutes) * 60 * (match[5] === '-' ? -1 : 1);
  return day + hour * 3600 + minute * 60 + second - offset;
}

/** A day of a time zone: its start, or the reason why it cannot be read. */
export type ZoneDay = { readonly startSeconds: number } | { readonly fault: string };

/** A time zone of the IANA database, for reading wall-clock times that name no offset. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat | undefined;

  /** @throws RangeError when the zone is unknown to this runtime */
  constructor(readonly name: string) {
    if (name === 'UTC') {
      return;
    }
    this.#format = new Intl.DateTimeFormat('en-GB', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  /**
   * Locates a day that the wall clock divides into equal steps. On a day with a clock change a wall-clock time is
   * missing or ambiguous, or a step has another length: such a day is a fault, because its readings cannot be located
   * with certainty.
   *
   * @param localDay the day as {@link parseDate} gives it
   * @param stepSeconds length of a step, a divisor of a day
   */
  day(localDay: number, stepSeconds: number): ZoneDay {
    if (this.#format === undefined) {
      return { startSeconds: localDay };
    }
    let startSeconds = 0;
    for (let passed = 0; passed <= DAY_SECONDS; passed += stepSeconds) {
      const instants = this.#instants(localDay + passed);
      const [instant] = instants;
      if (instant === undefined || instants.length > 1) {
        const what = instant === undefined ? 'does not exist' : 'is ambiguous';
        return { fault: `${wallClock(localDay + passed)} ${what} in ${this.name}` };
      }
      if (passed === 0) {
        startSeconds = instant;
      } else if (instant !== startSeconds + passed) {
        return { fault: `the clock changes before ${wallClock(localDay + passed)} in ${this.name}` };
      }
    }
    return { startSeconds };
  }

  /** The instants at which the zone's clock shows a wall-clock time: zero, one or two. */
  #instants(local: number): number[] {
    // No zone is more than a day from UTC and none changes twice in two days, so these are all offsets that can apply.
    const offsets = new Set([this.#offset(local - DAY_SECONDS), this.#offset(local + DAY_SECONDS)]);
    return [...offsets].map((offset) => local - offset).filter((instant) => instant + this.#offset(instant) === local);
  }

  /** Seconds that the zone is ahead of UTC at an instant. */
  #offset(instant: number): number {
    const parts = new Map(this.#format?.formatToParts(instant * 1000).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return shown / 1000 - instant;
  }
}

function wallClock(local: number): string {
  return new Date(local * 1000).toISOString().slice(0, 16).replace('T', ' ');
}
