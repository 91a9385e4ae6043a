// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';

const HEX_DIGITS = '0123456789abcdef';
const UINT32_RANGE = 0x1_0000_0000;

/** All parts, one after the other; {@link joinBytes} for a list whose length is not fixed. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(parts);
}

/** {@link concatBytes} of a list: the rows of a full interval are more than a call takes as arguments. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) {
    length += part.length;
  }
  const result = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

/** Whether both hold the same bytes. The time depends on the lengths only, so it may compare secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) {
    return false;
  }
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    difference |= a[i]! ^ b[i]!;
  }
  return difference === 0;
}

/** Unsigned lexicographic order: negative, zero or positive. Not for secrets: it stops at the first difference. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) {
      return difference;
    }
  }
  return a.length - b.length;
}

/** Overwrites with zeros. The engine may still hold copies; this ends the ones that we made. */
export function wipe(bytes: Uint8Array): void {
  bytes.fill(0);
}

/**
 * @param what names the value in the error
 * @throws BAD_LENGTH unless `bytes` has exactly `length` bytes
 */
export function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) {
    throw new ProtocolError('BAD_LENGTH', `${what}: expected ${length} bytes, got ${bytes.length}`);
  }
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text += HEX_DIGITS[byte >> 4]! + HEX_DIGITS[byte & 15]!;
  }
  return text;
}

/**
 * Reads lower-case hexadecimal only, so that bytes have one spelling.
 *
 * @throws MALFORMED for an odd number of digits or any other character
 */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) {
    throw new ProtocolError('MALFORMED', 'not lower-case hexadecimal');
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/** @throws MALFORMED for a character outside ASCII */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) {
      throw new ProtocolError('MALFORMED', 'not ASCII text');
    }
    bytes[i] = code;
  }
  return bytes;
}

function requireRoom(bytes: Uint8Array, offset: number, width: number): void {
  if (offset < 0 || offset + width > bytes.length) {
    throw new ProtocolError('BAD_LENGTH', `no ${width} bytes at offset ${offset} of ${bytes.length}`);
  }
}

function requireUint(value: number, range: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= range) {
    throw new ProtocolError('LIMIT_EXCEEDED', 'number outside its field');
  }
}

function requireBigUint(value: bigint, bits: bigint): void {
  if (value < 0n || value >> bits !== 0n) {
    throw new ProtocolError('LIMIT_EXCEEDED', 'number outside its field');
  }
}

// Numbers are unsigned and big endian. Writers throw LIMIT_EXCEEDED for a value that does not fit,
// both sides throw BAD_LENGTH when the field is outside the bytes.

export function writeUint16(target: Uint8Array, offset: number, value: number): void {
  requireRoom(target, offset, 2);
  requireUint(value, 0x1_0000);
  target[offset] = value >>> 8;
  target[offset + 1] = value;
}

export function writeUint32(target: Uint8Array, offset: number, value: number): void {
  requireRoom(target, offset, 4);
  requireUint(value, UINT32_RANGE);
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

export function writeUint64(target: Uint8Array, offset: number, value: bigint): void {
  requireRoom(target, offset, 8);
  requireBigUint(value, 64n);
  writeUint32(target, offset, Number(value >> 32n));
  writeUint32(target, offset + 4, Number(value & 0xffff_ffffn));
}

export function writeUint128(target: Uint8Array, offset: number, value: bigint): void {
  requireRoom(target, offset, 16);
  requireBigUint(value, 128n);
  writeUint64(target, offset, value >> 64n);
  writeUint64(target, offset + 8, value & 0xffff_ffff_ffff_ffffn);
}

export function readUint16(source: Uint8Array, offset: number): number {
  requireRoom(source, offset, 2);
  return source[offset]! * 0x100 + source[offset + 1]!;
}

export function readUint32(source: Uint8Array, offset: number): number {
  requireRoom(source, offset, 4);
  return readUint16(source, offset) * 0x1_0000 + readUint16(source, offset + 2);
}

export function readUint64(source: Uint8Array, offset: number): bigint {
  requireRoom(source, offset, 8);
  return (BigInt(readUint32(source, offset)) << 32n) | BigInt(readUint32(source, offset + 4));
}

export function readUint128(source: Uint8Array, offset: number): bigint {
  requireRoom(source, offset, 16);
  return (readUint64(source, offset) << 64n) | readUint64(source, offset + 8);
}
