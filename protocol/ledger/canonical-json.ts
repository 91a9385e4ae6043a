// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, fromHex } from '../crypto/bytes.js';
import { ProtocolError } from '../errors.js';
import { MAXIMUM_JSON_DEPTH } from './limits.js';

/** A value of canonical JSON: no null, no fraction, no negative number. */
export type JsonValue = string | number | boolean | readonly JsonValue[] | JsonObject;

/** An object of canonical JSON. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Amounts are unsigned and fit the 16 bytes that a row gives them. */
const MAXIMUM_AMOUNT = (1n << 128n) - 1n;
const MAXIMUM_AMOUNT_DIGITS = MAXIMUM_AMOUNT.toString().length;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const DECIMAL = /^(?:0|[1-9][0-9]*)$/;

/**
 * The one encoding of a value: keys sorted by code unit, no white space, printable ASCII only,
 * nothing escaped but `"` and `\`, integers from 0 to 2^53 − 1 as numbers.
 *
 * @throws ProtocolError `MALFORMED` for a value outside that set
 */
export function encodeCanonical(value: JsonValue): Uint8Array {
  return asciiBytes(canonicalText(value));
}

/**
 * Reads canonical JSON. Length and nesting are bounded before anything is parsed.
 *
 * @param bytes untrusted
 * @param maximumLength bytes
 * @throws ProtocolError `LIMIT_EXCEEDED`, `MALFORMED`, or `NON_CANONICAL` when these bytes are not the one encoding
 */
export function parseCanonical(bytes: Uint8Array, maximumLength: number): JsonValue {
  if (bytes.length > maximumLength) {
    throw new ProtocolError('LIMIT_EXCEEDED', `JSON of ${bytes.length} bytes, at most ${maximumLength}`);
  }
  requireAscii(bytes);
  boundNesting(bytes);
  const text = new TextDecoder().decode(bytes);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new ProtocolError('MALFORMED', 'not JSON', { cause });
  }
  if (canonicalText(value) !== text) {
    throw new ProtocolError('NON_CANONICAL', 'JSON is not in its canonical form');
  }
  return value;
}

/** @param value a `JsonValue`, or whatever else JSON.parse made */
function canonicalText(value: unknown): string {
  if (typeof value === 'string') {
    return canonicalString(value);
  }
  if (typeof value === 'boolean') {
    return String(value);
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new ProtocolError('MALFORMED', 'number is not a safe integer ≥ 0');
    }
    return String(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(canonicalText).join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) {
    throw new ProtocolError('MALFORMED', 'not a JSON value of this format');
  }
  const members = value as Readonly<Record<string, unknown>>;
  const texts = Object.keys(members)
    .sort() // by UTF-16 code unit, independent of the locale
    .map((key) => `${canonicalString(key)}:${canonicalText(members[key])}`);
  return `{${texts.join(',')}}`;
}

function canonicalString(text: string): string {
  if (!PRINTABLE_ASCII.test(text)) {
    throw new ProtocolError('MALFORMED', 'string is not printable ASCII');
  }
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Nesting is counted on the bytes, so that a hostile file cannot exhaust the parser's stack. */
function boundNesting(bytes: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) {
        i++;
      } else if (byte === 0x22) {
        inString = false;
      }
    } else if (byte === 0x22) {
      inString = true;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAXIMUM_JSON_DEPTH) {
        throw new ProtocolError('LIMIT_EXCEEDED', 'JSON is nested too deeply');
      }
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    }
  }
}

function requireAscii(bytes: Uint8Array): void {
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) {
      throw new ProtocolError('MALFORMED', 'JSON holds a byte outside printable ASCII');
    }
  }
}

/**
 * Reads an object with exactly these keys; an unknown, missing or inherited key is refused.
 *
 * @throws ProtocolError `MALFORMED`
 */
export function readObject<Key extends string>(value: JsonValue, keys: readonly Key[]): Record<Key, JsonValue> {
  const members = readAnyObject(value);
  const present = Object.keys(members);
  if (present.length !== keys.length || !keys.every((key) => Object.hasOwn(members, key))) {
    throw new ProtocolError('MALFORMED', `expected an object with ${keys.join(', ')}`);
  }
  return members as Record<Key, JsonValue>;
}

/** Reads an object whose keys the caller checks. @throws ProtocolError `MALFORMED` */
export function readAnyObject(value: JsonValue): JsonObject {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new ProtocolError('MALFORMED', 'expected an object');
  }
  return value as JsonObject;
}

/** Reads an array of at most `maximumLength` items. @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED` */
export function readArray<T>(value: JsonValue, maximumLength: number, readItem: (item: JsonValue) => T): T[] {
  if (!Array.isArray(value)) {
    throw new ProtocolError('MALFORMED', 'expected an array');
  }
  if (value.length > maximumLength) {
    throw new ProtocolError('LIMIT_EXCEEDED', `array of ${value.length} items, at most ${maximumLength}`);
  }
  return (value as readonly JsonValue[]).map(readItem);
}

/** Reads bytes from lower-case hex of exactly `length` bytes. @throws ProtocolError `MALFORMED` */
export function readHex(value: JsonValue, length: number): Uint8Array {
  if (typeof value !== 'string' || value.length !== 2 * length) {
    throw new ProtocolError('MALFORMED', `expected ${length} bytes in hex`);
  }
  return fromHex(value);
}

/** Reads an unsigned amount below 2^128 from a decimal string without leading zeros. @throws ProtocolError `MALFORMED` */
export function readAmount(value: JsonValue): bigint {
  if (typeof value !== 'string') {
    throw new ProtocolError('MALFORMED', 'expected an amount as a decimal string');
  }
  return parseAmount(value);
}

/** {@link readAmount} for text from elsewhere, such as a contract's argument. @throws ProtocolError `MALFORMED` */
export function parseAmount(text: string): bigint {
  if (text.length > MAXIMUM_AMOUNT_DIGITS || !DECIMAL.test(text)) {
    throw new ProtocolError('MALFORMED', 'expected a decimal amount');
  }
  const amount = BigInt(text);
  if (amount > MAXIMUM_AMOUNT) {
    throw new ProtocolError('MALFORMED', 'amount does not fit 128 bits');
  }
  return amount;
}

/** Reads an integer within bounds, both included. @throws ProtocolError `MALFORMED` */
export function readInteger(value: JsonValue, minimum: number, maximum: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < minimum || value > maximum) {
    throw new ProtocolError('MALFORMED', `expected an integer from ${minimum} to ${maximum}`);
  }
  return value;
}

/** {@link readInteger} for decimal text without leading zeros, such as a contract's argument. @throws ProtocolError `MALFORMED` */
export function parseInteger(text: string, minimum: number, maximum: number): number {
  if (text.length > 16 || !DECIMAL.test(text)) {
    throw new ProtocolError('MALFORMED', 'expected a decimal integer');
  }
  return readInteger(Number(text), minimum, maximum);
}

/** Reads a non-empty string of at most `maximumLength` characters. @throws ProtocolError `MALFORMED` */
export function readString(value: JsonValue, maximumLength: number): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > maximumLength) {
    throw new ProtocolError('MALFORMED', `expected a string of 1 to ${maximumLength} characters`);
  }
  return value;
}

/** Reads one of a closed set of strings. @throws ProtocolError `MALFORMED` */
export function readOneOf<T extends string>(value: JsonValue, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found === undefined) {
    throw new ProtocolError('MALFORMED', `expected one of ${allowed.join(', ')}`);
  }
  return found;
}

/** Reads a boolean. @throws ProtocolError `MALFORMED` */
export function readBoolean(value: JsonValue): boolean {
  if (typeof value !== 'boolean') {
    throw new ProtocolError('MALFORMED', 'expected true or false');
  }
  return value;
}
