// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, readUint64, writeUint64 } from '../crypto/bytes.js';
import { ProtocolError } from '../errors.js';
import { type JsonValue, readInteger, readObject, readString } from './canonical-json.js';
import { MAXIMUM_SECONDS } from './limits.js';

/** Bytes of a ledger id: region (8, ASCII padded with zeros) and start (8, Unix seconds). */
export const LEDGER_ID_LENGTH = 16;

/** Bytes of the region in a ledger id. */
export const REGION_LENGTH = 8;

const REGION = /^[a-z0-9-]{1,8}$/;

/** Names the ledgers of one interval, the paper's index j: energy measured in [s, s + L). */
export interface LedgerId {
  /** 1 to 8 characters of a–z, 0–9 and `-`. */
  readonly region: string;
  /** s, Unix seconds. */
  readonly startSeconds: number;
}

/** Checks a region's name. @throws ProtocolError `MALFORMED` */
export function checkRegion(region: string): string {
  if (!REGION.test(region)) {
    throw new ProtocolError('MALFORMED', 'region: expected 1 to 8 characters of a-z, 0-9 and -');
  }
  return region;
}

/** The 16 bytes of a ledger id. @throws ProtocolError `MALFORMED` */
export function encodeLedgerId(ledgerId: LedgerId): Uint8Array {
  checkRegion(ledgerId.region);
  readInteger(ledgerId.startSeconds, 0, MAXIMUM_SECONDS);
  const bytes = new Uint8Array(LEDGER_ID_LENGTH);
  bytes.set(asciiBytes(ledgerId.region));
  writeUint64(bytes, REGION_LENGTH, BigInt(ledgerId.startSeconds));
  return bytes;
}

/** Reads 16 bytes at an offset. @throws ProtocolError `BAD_LENGTH`, `MALFORMED` */
export function decodeLedgerId(bytes: Uint8Array, offset = 0): LedgerId {
  if (bytes.length < offset + LEDGER_ID_LENGTH) {
    throw new ProtocolError(
      'BAD_LENGTH',
      `ledger id: expected ${LEDGER_ID_LENGTH} bytes, got ${Math.max(0, bytes.length - offset)}`,
    );
  }
  let length = REGION_LENGTH;
  while (length > 0 && bytes[offset + length - 1] === 0) {
    length--;
  }
  const region = checkRegion(String.fromCharCode(...bytes.subarray(offset, offset + length)));
  const start = readUint64(bytes, offset + REGION_LENGTH);
  if (start > BigInt(MAXIMUM_SECONDS)) {
    throw new ProtocolError('MALFORMED', `ledger id: start ${start} is after the year 9999`);
  }
  return { region, startSeconds: Number(start) };
}

/** The same interval of the same region. */
export function sameLedger(a: LedgerId, b: LedgerId): boolean {
  return a.region === b.region && a.startSeconds === b.startSeconds;
}

/** A ledger id as JSON. */
export function ledgerIdToJson(ledgerId: LedgerId): JsonValue {
  return { region: ledgerId.region, startSeconds: ledgerId.startSeconds };
}

/** Reads a ledger id from JSON. @throws ProtocolError `MALFORMED` */
export function ledgerIdFromJson(value: JsonValue): LedgerId {
  const fields = readObject(value, ['region', 'startSeconds']);
  return {
    region: checkRegion(readString(fields.region, REGION_LENGTH)),
    startSeconds: readInteger(fields.startSeconds, 0, MAXIMUM_SECONDS),
  };
}
