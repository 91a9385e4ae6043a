// SPDX-License-Identifier: Apache-2.0
import { readUint128, requireLength, writeUint128 } from '../crypto/bytes.js';
import { type Crypto, KEY_LENGTH, SIGNATURE_LENGTH, type SigningKey } from '../crypto/crypto.js';
import { H2 } from '../crypto/hash.js';
import { ProtocolError } from '../errors.js';
import { readInteger } from './canonical-json.js';
import { decodeLedgerId, encodeLedgerId, type LedgerId } from './ledger-id.js';
import { MAXIMUM_SECONDS } from './limits.js';

/** The three ledgers, named as their channels: the paper's OCD, DAP and BC. */
export const LEDGER_KINDS = ['consumption', 'pricing', 'billing'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** Ledgers that the service provider writes. */
export const PROVIDED_KINDS = ['pricing', 'billing'] as const satisfies readonly LedgerKind[];
export type ProvidedKind = (typeof PROVIDED_KINDS)[number];

/** First byte of a row: the paper's 00, 01 and 10. */
export const ROW_TYPE = { consumption: 0, price: 1, bill: 2 } as const;
export type RowType = (typeof ROW_TYPE)[keyof typeof ROW_TYPE];

/** Offsets of the fields of a row. */
export const ROW_OFFSET = {
  type: 0,
  ledgerId: 1,
  pseudonym: 17,
  time: 49,
  value: 65,
  signaturePublicKey: 81,
  signature: 113,
} as const;

/** Bytes of a row. */
export const ROW_LENGTH = 177;

/** Bytes that a row's signature covers (through H2): all but key and signature. */
export const ROW_SIGNED_LENGTH = ROW_OFFSET.signaturePublicKey;

/** Bytes of a pseudonym, the paper's H(H_1(sk_{i,CC}) ‖ ID_i). */
export const PSEUDONYM_LENGTH = 32;

/** Fields of a row. */
export interface RowContent {
  readonly type: RowType;
  readonly ledgerId: LedgerId;
  /** A, 32 bytes. */
  readonly pseudonym: Uint8Array;
  /** T, Unix seconds. */
  readonly timeSeconds: number;
  /** c in mWh, p in nano-currency per kWh, or B in nano-currency. */
  readonly value: bigint;
}

/** A row of any ledger. */
export interface Row extends RowContent {
  /** sigPk, 32 bytes. */
  readonly signaturePublicKey: Uint8Array;
  /** 64 bytes, by sigPk over {@link rowMessage}. */
  readonly signature: Uint8Array;
}

/** The 177 bytes of a row. @throws ProtocolError `BAD_LENGTH`, `MALFORMED` */
export function encodeRow(row: Row): Uint8Array {
  requireLength(row.signaturePublicKey, KEY_LENGTH, 'signature key');
  requireLength(row.signature, SIGNATURE_LENGTH, 'signature');
  const bytes = new Uint8Array(ROW_LENGTH);
  bytes.set(encodeRowContent(row));
  bytes.set(row.signaturePublicKey, ROW_OFFSET.signaturePublicKey);
  bytes.set(row.signature, ROW_OFFSET.signature);
  return bytes;
}

/** The first 81 bytes of a row: type ‖ ledgerId ‖ A ‖ T ‖ value. @throws ProtocolError `BAD_LENGTH`, `MALFORMED` */
export function encodeRowContent(content: RowContent): Uint8Array {
  requireLength(content.pseudonym, PSEUDONYM_LENGTH, 'pseudonym');
  readInteger(content.timeSeconds, 0, MAXIMUM_SECONDS);
  if (content.value < 0n || content.value >> 128n !== 0n) {
    throw new ProtocolError('MALFORMED', 'value is not 128 bits');
  }
  const bytes = new Uint8Array(ROW_SIGNED_LENGTH);
  bytes[ROW_OFFSET.type] = content.type;
  bytes.set(encodeLedgerId(content.ledgerId), ROW_OFFSET.ledgerId);
  bytes.set(content.pseudonym, ROW_OFFSET.pseudonym);
  writeUint128(bytes, ROW_OFFSET.time, BigInt(content.timeSeconds));
  writeUint128(bytes, ROW_OFFSET.value, content.value);
  return bytes;
}

/**
 * Reads one row. The format has one encoding for each row, so whatever is accepted encodes to the same bytes again.
 *
 * @throws ProtocolError `BAD_LENGTH`, `WRONG_TYPE`, `MALFORMED`
 */
export function decodeRow(bytes: Uint8Array): Row {
  requireLength(bytes, ROW_LENGTH, 'row');
  const type = bytes[ROW_OFFSET.type];
  if (type !== 0 && type !== 1 && type !== 2) {
    throw new ProtocolError('WRONG_TYPE', 'row type is not 0, 1 or 2');
  }
  const time = readUint128(bytes, ROW_OFFSET.time);
  if (time > BigInt(MAXIMUM_SECONDS)) {
    throw new ProtocolError('MALFORMED', 'row time is after the year 9999');
  }
  return {
    type,
    ledgerId: decodeLedgerId(bytes, ROW_OFFSET.ledgerId),
    pseudonym: rowPseudonym(bytes).slice(),
    timeSeconds: Number(time),
    value: rowValue(bytes),
    signaturePublicKey: rowSignaturePublicKey(bytes).slice(),
    signature: rowSignature(bytes).slice(),
  };
}

/** The 32 bytes that a row's key signs: H2(type ‖ ledgerId ‖ A ‖ T ‖ value). */
export function rowMessage(crypto: Crypto, rowBytes: Uint8Array): Uint8Array {
  return H2(crypto, rowBytes.subarray(0, ROW_SIGNED_LENGTH));
}

/**
 * Signs a row's content with a one-time key or SP's key, deterministically (RFC 8032).
 *
 * @returns the row's 177 bytes
 * @throws ProtocolError `BAD_LENGTH`, `MALFORMED`
 */
export function signRow(crypto: Crypto, content: RowContent, key: SigningKey): Uint8Array {
  const bytes = new Uint8Array(ROW_LENGTH);
  bytes.set(encodeRowContent(content));
  bytes.set(key.publicKey, ROW_OFFSET.signaturePublicKey);
  bytes.set(key.sign(rowMessage(crypto, bytes)), ROW_OFFSET.signature);
  return bytes;
}

/** Whether a row's signature is valid under the key that the row names; says nothing about who holds that key. */
export function verifyRowSignature(crypto: Crypto, rowBytes: Uint8Array): boolean {
  return crypto.ed25519Verify(rowSignature(rowBytes), rowMessage(crypto, rowBytes), rowSignaturePublicKey(rowBytes));
}

/** A of a row's bytes, a view. */
export function rowPseudonym(rowBytes: Uint8Array): Uint8Array {
  return rowBytes.subarray(ROW_OFFSET.pseudonym, ROW_OFFSET.time);
}

/** The value of a row's bytes. */
export function rowValue(rowBytes: Uint8Array): bigint {
  return readUint128(rowBytes, ROW_OFFSET.value);
}

/** sigPk of a row's bytes, a view. */
export function rowSignaturePublicKey(rowBytes: Uint8Array): Uint8Array {
  return rowBytes.subarray(ROW_OFFSET.signaturePublicKey, ROW_OFFSET.signature);
}

/** The signature of a row's bytes, a view. */
export function rowSignature(rowBytes: Uint8Array): Uint8Array {
  return rowBytes.subarray(ROW_OFFSET.signature, ROW_LENGTH);
}
