// SPDX-License-Identifier: Apache-2.0
import { sign, verify, type KeyObject } from 'node:crypto';

/** Order of P-256 (SP 800-186). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = ORDER >> 1n;
const SCALAR_BYTES = 32;

/**
 * ECDSA P-256 with SHA-256 in DER, with low s. Of the two signatures (r, s) and (r, n − s) that verify, Fabric takes only
 * the one with the smaller s, so that a signature cannot be turned into another one; OpenSSL makes either.
 */
export function signLowS(key: KeyObject, message: Uint8Array): Uint8Array {
  const raw = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  const s = scalar(raw.subarray(SCALAR_BYTES));
  const integers = Buffer.concat([
    derInteger(raw.subarray(0, SCALAR_BYTES)),
    derInteger(s > HALF_ORDER ? bytesOf(ORDER - s) : raw.subarray(SCALAR_BYTES)),
  ]);
  return Buffer.concat([Uint8Array.of(0x30, integers.length), integers]);
}

/** Whether `signature` is a DER signature of `message` with low s. */
export function verifyLowS(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const s = sOf(signature);
  return s !== undefined && s <= HALF_ORDER && verify('sha256', message, key, signature);
}

/** s of SEQUENCE { INTEGER r, INTEGER s }; undefined if the bytes are nothing of the kind. */
function sOf(der: Uint8Array): bigint | undefined {
  if (der.length < 8 || der.length > 72 || der[0] !== 0x30 || der[1] !== der.length - 2 || der[2] !== 0x02) {
    return undefined;
  }
  const at = 4 + der[3]!;
  if (der[at] !== 0x02 || der[at + 1] !== der.length - at - 2 || der.length === at + 2) {
    return undefined;
  }
  return scalar(der.subarray(at + 2));
}

function scalar(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`);
}

function bytesOf(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(2 * SCALAR_BYTES, '0'), 'hex');
}

/** Unsigned big-endian bytes as a DER INTEGER: minimal, with a zero in front where the top bit is set. */
export function derInteger(unsigned: Uint8Array): Uint8Array {
  const first = unsigned.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : unsigned.subarray(first);
  const padded = digits[0]! >= 0x80 ? Buffer.concat([Uint8Array.of(0), digits]) : digits;
  return Buffer.concat([Uint8Array.of(0x02, padded.length), padded]);
}
