// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError, type Command } from 'commander';

/** Returns a parser of an integer between two bounds, both included. */
export function integerBetween(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new InvalidArgumentError(`Expected an integer from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** Returns a parser of lower-case hexadecimal of a fixed number of bytes, kept as text. */
export function hexText(bytes: number): (text: string) => string {
  return (text) => {
    if (!new RegExp(`^[0-9a-f]{${2 * bytes}}$`).test(text)) {
      throw new InvalidArgumentError(`Expected ${2 * bytes} lower-case hexadecimal digits.`);
    }
    return text;
  };
}

/** Adds `--cc-key`, the trust anchor of commands that verify files of a region. */
export function withTrustAnchorOption(command: Command): Command {
  const description = "SHA-256 fingerprint of the control center's first signature key, 64 hex digits";
  return command.option('--cc-key <fingerprint>', description, hexText(32));
}

/** Parses a region name, as in a ledger id. */
export function regionName(text: string): string {
  if (!/^[a-z0-9-]{1,8}$/.test(text)) {
    throw new InvalidArgumentError('Expected 1 to 8 characters of a–z, 0–9 and -.');
  }
  return text;
}

/** Parses the name of an IANA time zone that this runtime knows. */
export function timeZone(text: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError('Expected an IANA time zone such as Europe/London.');
  }
}

/** Parses the demo's seed: printable ASCII without blanks. */
export function seedText(text: string): string {
  if (!/^[!-~]{1,64}$/.test(text)) {
    throw new InvalidArgumentError('Expected 1 to 64 printable ASCII characters.');
  }
  return text;
}
