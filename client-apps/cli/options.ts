// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander';

/** Parser of a whole number between two bounds, both included. */
export function integerBetween(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new InvalidArgumentError(`It must be a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** Parser of lower-case hexadecimal of a fixed number of bytes, kept as text. */
export function hexText(bytes: number): (text: string) => string {
  return (text) => {
    if (!new RegExp(`^[0-9a-f]{${2 * bytes}}$`).test(text)) {
      throw new InvalidArgumentError(`It must be ${2 * bytes} lower-case hexadecimal digits.`);
    }
    return text;
  };
}

/** Region names, as in a ledger id. */
export function regionName(text: string): string {
  if (!/^[a-z0-9-]{1,8}$/.test(text)) {
    throw new InvalidArgumentError('It must be 1 to 8 of a–z, 0–9 and -.');
  }
  return text;
}

/** An IANA time zone that this machine knows. */
export function timeZone(text: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError('It must be an IANA time zone such as Europe/London.');
  }
}

/** The demo's seed: any text that can be said over the telephone. */
export function seedText(text: string): string {
  if (!/^[!-~]{1,64}$/.test(text)) {
    throw new InvalidArgumentError('It must be 1 to 64 printable ASCII characters.');
  }
  return text;
}
