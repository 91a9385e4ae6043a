// SPDX-License-Identifier: Apache-2.0
import {
  concatBytes,
  readUint16,
  readUint32,
  readUint64,
  requireLength,
  writeUint16,
  writeUint32,
  writeUint64,
} from '../../../protocol/crypto/bytes.js';
import { DIGEST_LENGTH } from '../../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { MAXIMUM_SECONDS } from '../../../protocol/ledger/limits.js';
import { ROW_LENGTH } from '../../../protocol/ledger/row.js';

/** A row that passed all checks, with its witness for the chaincode. */
export interface AcceptedRow {
  readonly meterNumber: number;
  /** Index of the message in its epoch. */
  readonly k: number;
  /** A_{e,k-1}, or ID_i; 32 bytes. */
  readonly previous: Uint8Array;
  /** 177 bytes. */
  readonly row: Uint8Array;
}

/**
 * An authentic packet, as the journal keeps it until its interval is frozen. Packets without rows count too: they show
 * presence.
 */
export interface AcceptedPacket {
  readonly meterNumber: number;
  /** Unix seconds. */
  readonly slotStartSeconds: number;
  readonly rows: readonly AcceptedRow[];
}

const HEAD_LENGTH = 4 + 8;
const ROW_RECORD_LENGTH = 2 + DIGEST_LENGTH + ROW_LENGTH;

/** meter 4 ‖ slot 8 ‖ per row: k 2 ‖ previous 32 ‖ row 177. */
export function encodeAcceptedPacket(packet: AcceptedPacket): Uint8Array {
  const head = new Uint8Array(HEAD_LENGTH);
  writeUint32(head, 0, packet.meterNumber);
  writeUint64(head, 4, BigInt(packet.slotStartSeconds));
  const rows = packet.rows.map(({ k, previous, row }) => {
    const index = new Uint8Array(2);
    writeUint16(index, 0, k);
    return concatBytes(index, previous, row);
  });
  return concatBytes(head, ...rows);
}

/** @throws ProtocolError BAD_LENGTH when the last record is cut off, LIMIT_EXCEEDED */
export function decodeAcceptedPacket(bytes: Uint8Array): AcceptedPacket {
  const records = Math.floor((bytes.length - HEAD_LENGTH) / ROW_RECORD_LENGTH);
  requireLength(bytes, HEAD_LENGTH + records * ROW_RECORD_LENGTH, 'accepted packet');
  const meterNumber = readUint32(bytes, 0);
  const rows: AcceptedRow[] = [];
  for (let offset = HEAD_LENGTH; offset < bytes.length; offset += ROW_RECORD_LENGTH) {
    const row = offset + 2 + DIGEST_LENGTH;
    rows.push({
      meterNumber,
      k: readUint16(bytes, offset),
      previous: bytes.slice(offset + 2, row),
      row: bytes.slice(row, row + ROW_LENGTH),
    });
  }
  const slotStart = readUint64(bytes, 4);
  if (slotStart > BigInt(MAXIMUM_SECONDS)) {
    throw new ProtocolError('LIMIT_EXCEEDED', `slot: expected at most ${MAXIMUM_SECONDS}, got ${slotStart}`);
  }
  return { meterNumber, slotStartSeconds: Number(slotStart), rows };
}
