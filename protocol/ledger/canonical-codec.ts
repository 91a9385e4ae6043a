// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, fromHex, toHex } from '../crypto/bytes.js';
import {
  encodeCanonical,
  parseCanonical,
  readAmount,
  readArray,
  readHex,
  readInteger,
  readObject,
  readOneOf,
  readString,
  type JsonValue,
} from './canonical-json.js';

/** A value in canonical JSON, both ways. */
export interface Codec<T> {
  readonly toJson: (value: T) => JsonValue;
  /** @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED` */
  readonly fromJson: (json: JsonValue) => T;
}

/** Encodes a value as canonical JSON. */
export function encodeAs<T>(codec: Codec<T>, value: T): Uint8Array {
  return encodeCanonical(codec.toJson(value));
}

/** @throws ProtocolError `LIMIT_EXCEEDED`, `MALFORMED`, `NON_CANONICAL` */
export function decodeAs<T>(codec: Codec<T>, bytes: Uint8Array, maximumLength: number): T {
  return codec.fromJson(parseCanonical(bytes, maximumLength));
}

/** An object with exactly these fields. */
export function record<T extends object>(fields: { readonly [Key in keyof T]: Codec<T[Key]> }): Codec<T> {
  const entries = Object.entries(fields) as [keyof T & string, Codec<T[keyof T]>][];
  const keys = entries.map(([key]) => key);
  return {
    toJson: (value) => Object.fromEntries(entries.map(([key, codec]) => [key, codec.toJson(value[key])])),
    fromJson: (json) => {
      const members = readObject(json, keys);
      return Object.fromEntries(entries.map(([key, codec]) => [key, codec.fromJson(members[key])])) as T;
    },
  };
}

/** At most `maximumLength` items. */
export function list<T>(maximumLength: number, item: Codec<T>): Codec<readonly T[]> {
  return {
    toJson: (items) => items.map(item.toJson),
    fromJson: (json) => readArray(json, maximumLength, item.fromJson),
  };
}

/** A value that may be missing: canonical JSON has no null, so it is a list of zero or one. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    toJson: (value) => (value === undefined ? [] : [codec.toJson(value)]),
    fromJson: (json) => readArray(json, 1, codec.fromJson)[0],
  };
}

/** An integer within bounds, both included. */
export function integer(minimum: number, maximum: number): Codec<number> {
  return { toJson: (value) => value, fromJson: (json) => readInteger(json, minimum, maximum) };
}

/** One of a closed set of strings. */
export function oneOf<T extends string>(allowed: readonly T[]): Codec<T> {
  return { toJson: (value) => value, fromJson: (json) => readOneOf(json, allowed) };
}

/** An unsigned amount below 2^128, a decimal string. */
export const amount: Codec<bigint> = { toJson: (value) => value.toString(), fromJson: readAmount };

/** Bytes of one length, in hex. */
export function hex(length: number): Codec<Uint8Array> {
  return { toJson: toHex, fromJson: (json) => readHex(json, length) };
}

/** 1 to `maximumLength` bytes in hex; their users check the structure. */
export function hexUpTo(maximumLength: number): Codec<Uint8Array> {
  return { toJson: toHex, fromJson: (json) => fromHex(readString(json, 2 * maximumLength)) };
}

/** Text of 1 to `maximumLength` ASCII characters that canonical JSON cannot hold, such as line ends: its bytes in hex. */
export function hexText(maximumLength: number): Codec<string> {
  const bytes = hexUpTo(maximumLength);
  return {
    toJson: (text) => bytes.toJson(asciiBytes(text)),
    fromJson: (json) => new TextDecoder().decode(bytes.fromJson(json)),
  };
}
