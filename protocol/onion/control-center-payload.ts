// SPDX-License-Identifier: Apache-2.0
import {
  equalBytes,
  readUint16,
  readUint32,
  readUint64,
  writeUint16,
  writeUint32,
  writeUint64,
} from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { mac } from '../crypto/hash.js';
import { ProtocolError } from '../errors.js';
import { ROW_LENGTH } from '../ledger/row.js';
import { PACKET_MAC_LENGTH, PAYLOAD_LENGTH, PLACE_LENGTH, ROW_PLACES } from './geometry.js';
import { openInner, sealInner, type OnionKeyPair, type RandomSource } from './packet.js';

/** A row on its way to the control center. */
export interface PacketRow {
  /** Index of the row's pseudonym and one-time key in the epoch, 1 … 65,535. */
  readonly k: number;
  /** Encoded row, 177 bytes; the control center checks it, not the packet. */
  readonly row: Uint8Array;
}

/** Payload of a meter to the control center, sent in every slot whatever was consumed. */
export interface ControlCenterPayload {
  /** The number that the control center gave the meter at enrolment; it finds the meter's keys in O(1). */
  readonly meterNumber: number;
  /** Registry epoch e of h_e, which keys the MAC, and of the rows. */
  readonly epoch: number;
  /** Start of the slot, Unix seconds. */
  readonly slotStartSeconds: number;
  /** At most ROW_PLACES rows: the ones not yet sent, then repeats of this window's. The places left are filler. */
  readonly rows: readonly PacketRow[];
}

/** A payload that was opened but not yet authenticated: only the meter number may be used, to find the key. */
export interface OpenedControlCenterPayload {
  readonly payload: ControlCenterPayload;
  /** The payload's bytes, PAYLOAD_LENGTH; see {@link authenticateControlCenterPayload}. */
  readonly bytes: Uint8Array;
}

/** The highest meter number; the one above it is kept for packets that the control center sends to itself. */
export const MAXIMUM_METER_NUMBER = 0xfffffffe;

const PLACES_OFFSET = 4 + 2 + 8;
const MAC_OFFSET = PLACES_OFFSET + ROW_PLACES * PLACE_LENGTH;
const PADDING_OFFSET = MAC_OFFSET + PACKET_MAC_LENGTH;

/**
 * Encodes and authenticates a payload. The MAC covers the filler too, so only the meter can create even an empty one.
 *
 * @param linkKey h_e of the payload's epoch, 32 bytes
 * @returns PAYLOAD_LENGTH bytes
 * @throws ProtocolError LIMIT_EXCEEDED: too many rows; K_RANGE; BAD_LENGTH: a row; MALFORMED: the meter number
 */
export function encodeControlCenterPayload(
  crypto: Crypto,
  payload: ControlCenterPayload,
  linkKey: Uint8Array,
): Uint8Array {
  if (payload.rows.length > ROW_PLACES) {
    throw new ProtocolError('LIMIT_EXCEEDED', `a packet has places for ${ROW_PLACES} rows`);
  }
  if (payload.meterNumber > MAXIMUM_METER_NUMBER) {
    throw new ProtocolError('MALFORMED', 'meter number is kept');
  }
  const bytes = new Uint8Array(PAYLOAD_LENGTH);
  writeUint32(bytes, 0, payload.meterNumber);
  writeUint16(bytes, 4, payload.epoch);
  writeUint64(bytes, 6, BigInt(payload.slotStartSeconds));
  payload.rows.forEach(({ k, row }, place) => {
    if (!(k >= 1 && k <= 0xffff)) {
      throw new ProtocolError('K_RANGE', 'k is 1 to 65,535');
    }
    if (row.length !== ROW_LENGTH) {
      throw new ProtocolError('BAD_LENGTH', 'row has the wrong length');
    }
    writeUint16(bytes, PLACES_OFFSET + place * PLACE_LENGTH, k);
    bytes.set(row, PLACES_OFFSET + place * PLACE_LENGTH + 2);
  });
  bytes.set(mac(crypto, 'packet', linkKey, bytes.subarray(0, MAC_OFFSET)), MAC_OFFSET);
  return bytes;
}

/** Payload for the control center, and the keys that authenticate and seal it. */
export interface ControlCenterPacketParts {
  /** The control center's X25519 onion key of the epoch, from the directory. */
  readonly onionKey: Uint8Array;
  readonly payload: ControlCenterPayload;
  /** h_e of the meter. */
  readonly linkKey: Uint8Array;
  readonly random: RandomSource;
}

/**
 * Encodes and seals a payload for the control center.
 *
 * @returns the inner packet, INNER_LENGTH bytes
 */
export function sealControlCenterPacket(
  crypto: Crypto,
  { onionKey, payload, linkKey, random }: ControlCenterPacketParts,
): Uint8Array {
  const bytes = encodeControlCenterPayload(crypto, payload, linkKey);
  return sealInner(crypto, {
    recipient: 'control-center',
    publicKey: onionKey,
    epoch: payload.epoch,
    payload: bytes,
    random,
  });
}

/**
 * Opens an inner packet and parses its payload. The caller finds h_e by the meter number and then calls
 * {@link authenticateControlCenterPayload}; before that nothing in the payload may be believed.
 *
 * @throws ProtocolError PACKET_INVALID, DECRYPT_FAILED, ZERO_SHARED_SECRET
 */
export function openControlCenterPacket(
  crypto: Crypto,
  key: OnionKeyPair,
  packet: Uint8Array,
): OpenedControlCenterPayload {
  const bytes = openInner(crypto, 'control-center', key, packet);
  const payload = decodePayload(bytes);
  if (payload.epoch !== key.epoch) {
    throw new ProtocolError('PACKET_INVALID', 'payload and packet are of different epochs');
  }
  return { payload, bytes };
}

/**
 * True when the payload was made by the meter that shares this link key.
 *
 * @param linkKey h_e of the payload's meter and epoch, 32 bytes
 */
export function authenticateControlCenterPayload(
  crypto: Crypto,
  opened: OpenedControlCenterPayload,
  linkKey: Uint8Array,
): boolean {
  const expected = mac(crypto, 'packet', linkKey, opened.bytes.subarray(0, MAC_OFFSET));
  return equalBytes(expected, opened.bytes.subarray(MAC_OFFSET, PADDING_OFFSET));
}

function decodePayload(bytes: Uint8Array): ControlCenterPayload {
  const meterNumber = readUint32(bytes, 0);
  const slotStart = readUint64(bytes, 6);
  const rows: PacketRow[] = [];
  for (let place = 0; place < ROW_PLACES; place++) {
    const offset = PLACES_OFFSET + place * PLACE_LENGTH;
    const k = readUint16(bytes, offset);
    const row = bytes.subarray(offset + 2, offset + PLACE_LENGTH);
    if (k === 0 ? row.some((byte) => byte !== 0) : rows.length < place) {
      throw new ProtocolError('PACKET_INVALID', 'filler is not zero or precedes a row');
    }
    if (k !== 0) {
      rows.push({ k, row });
    }
  }
  if (
    meterNumber > MAXIMUM_METER_NUMBER ||
    slotStart > BigInt(Number.MAX_SAFE_INTEGER) ||
    bytes.subarray(PADDING_OFFSET).some((byte) => byte !== 0)
  ) {
    throw new ProtocolError('PACKET_INVALID', 'payload is malformed');
  }
  return { meterNumber, epoch: readUint16(bytes, 4), slotStartSeconds: Number(slotStart), rows };
}
