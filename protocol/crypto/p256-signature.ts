// SPDX-License-Identifier: Apache-2.0
import { fromHex, joinBytes, toHex } from './bytes.js';

/** Order n of P-256 (FIPS 186-5, SP 800-186). */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = P256_ORDER >> 1n;
/** Bytes of each of r and s. */
const SCALAR_LENGTH = 32;
const SEQUENCE = 0x30;
const INTEGER = 0x02;

/**
 * DER of the low-s form of a raw ECDSA signature (r ‖ s, 64 bytes). Of the two signatures (r, s) and (r, n − s) that
 * verify, Fabric accepts only the one with the smaller s, so that a signature cannot be turned into another one.
 */
export function lowSDer(raw: Uint8Array): Uint8Array {
  const r = raw.subarray(0, SCALAR_LENGTH);
  let s = raw.subarray(SCALAR_LENGTH);
  // Half the order starts with 0x7f, so a first byte below it decides.
  if (s[0]! >= 0x7f) {
    const value = scalar(s);
    if (value > HALF_ORDER) {
      s = fromHex((P256_ORDER - value).toString(16).padStart(2 * SCALAR_LENGTH, '0'));
    }
  }
  const integers = joinBytes([derInteger(r), derInteger(s)]);
  return joinBytes([Uint8Array.of(SEQUENCE, integers.length), integers]);
}

/** Whether the bytes have the form SEQUENCE { INTEGER r, INTEGER s } with low s; not whether the signature verifies. */
export function isLowSDer(der: Uint8Array): boolean {
  if (der.length < 8 || der.length > 72 || der[0] !== SEQUENCE || der[1] !== der.length - 2 || der[2] !== INTEGER) {
    return false;
  }
  const at = 4 + der[3]!;
  if (der[at] !== INTEGER || der[at + 1] !== der.length - at - 2 || der.length === at + 2) {
    return false;
  }
  return scalar(der.subarray(at + 2)) <= HALF_ORDER;
}

/** DER INTEGER of an unsigned big-endian number: no leading zeros, but one if the top bit is set. */
export function derInteger(unsigned: Uint8Array): Uint8Array {
  let start = 0;
  while (start < unsigned.length - 1 && unsigned[start] === 0) {
    start++;
  }
  const digits = unsigned.subarray(start);
  const pad = digits[0]! >= 0x80 ? [0] : [];
  return Uint8Array.of(INTEGER, digits.length + pad.length, ...pad, ...digits);
}

function scalar(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}
