// SPDX-License-Identifier: Apache-2.0
import {
  equalBytes,
  readUint128,
  readUint16,
  readUint64,
  writeUint128,
  writeUint16,
  writeUint64,
} from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { mac } from '../crypto/hash.js';
import { ProtocolError } from '../errors.js';
import { HANDLE_LENGTH, HANDLE_PLACES, PACKET_MAC_LENGTH, PAYLOAD_LENGTH } from './geometry.js';
import { openInner, packetEpoch, sealInner, type RandomSource } from './packet.js';

/** By which a household finds one of its rows in the bulletin. */
export interface Handle {
  readonly epoch: number;
  /** 1 … 65,535. */
  readonly k: number;
  /** Pseudonym A of the row, 32 bytes. */
  readonly pseudonym: Uint8Array;
}

/** Payload of a meter to its household's hub, sent in every slot. */
export interface HubPayload {
  /** Start of the slot, Unix seconds. */
  readonly slotStartSeconds: number;
  /** Energy measured since enrolment, mWh. */
  readonly measuredMilliWattHours: bigint;
  /** Energy not yet in any row, mWh. */
  readonly carriedMilliWattHours: bigint;
  /** The newest handles, oldest first, at most HANDLE_PLACES. */
  readonly handles: readonly Handle[];
}

/** Pairing of meter and hub: created by the hub, copied to the meter once by the household. */
export interface HubPairing {
  /** X25519 key of the hub, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Secret of meter and hub alone, 32 bytes: a packet without it could plant a stranger's handles. */
  readonly pairingKey: Uint8Array;
}

/** The hub's own side of the pairing. */
export interface HubKeys extends HubPairing {
  readonly secretKey: Uint8Array;
}

const HANDLES_OFFSET = 8 + 16 + 16;
const MAC_OFFSET = HANDLES_OFFSET + HANDLE_PLACES * HANDLE_LENGTH;

/**
 * Encodes and authenticates a hub's payload.
 *
 * @param pairingKey 32 bytes
 * @returns PAYLOAD_LENGTH bytes
 * @throws ProtocolError LIMIT_EXCEEDED: too many handles; K_RANGE; BAD_LENGTH: a pseudonym
 */
export function encodeHubPayload(crypto: Crypto, payload: HubPayload, pairingKey: Uint8Array): Uint8Array {
  if (payload.handles.length > HANDLE_PLACES) {
    throw new ProtocolError('LIMIT_EXCEEDED', `a packet has places for ${HANDLE_PLACES} handles`);
  }
  const bytes = new Uint8Array(PAYLOAD_LENGTH);
  writeUint64(bytes, 0, BigInt(payload.slotStartSeconds));
  writeUint128(bytes, 8, payload.measuredMilliWattHours);
  writeUint128(bytes, 24, payload.carriedMilliWattHours);
  payload.handles.forEach(({ epoch, k, pseudonym }, place) => {
    if (!(k >= 1 && k <= 0xffff)) {
      throw new ProtocolError('K_RANGE', 'k is 1 to 65,535');
    }
    if (pseudonym.length !== 32) {
      throw new ProtocolError('BAD_LENGTH', 'pseudonym is 32 bytes');
    }
    const offset = HANDLES_OFFSET + place * HANDLE_LENGTH;
    writeUint16(bytes, offset, epoch);
    writeUint16(bytes, offset + 2, k);
    bytes.set(pseudonym, offset + 4);
  });
  bytes.set(mac(crypto, 'packet', pairingKey, bytes.subarray(0, MAC_OFFSET)), MAC_OFFSET);
  return bytes;
}

/** Payload for a hub, and the hub. */
export interface HubPacketParts {
  readonly hub: HubPairing;
  /** Registry epoch of the slot, as in the packet's layers. */
  readonly epoch: number;
  readonly payload: HubPayload;
  readonly random: RandomSource;
}

/**
 * Encodes and seals a payload for a hub.
 *
 * @returns the inner packet, INNER_LENGTH bytes
 */
export function sealHubPacket(crypto: Crypto, { hub, epoch, payload, random }: HubPacketParts): Uint8Array {
  const bytes = encodeHubPayload(crypto, payload, hub.pairingKey);
  return sealInner(crypto, { recipient: 'hub', publicKey: hub.publicKey, epoch, payload: bytes, random });
}

/**
 * Opens and authenticates a packet from the hub's mailbox, of any epoch.
 *
 * @throws ProtocolError PACKET_INVALID: malformed, or not from the paired meter; DECRYPT_FAILED, ZERO_SHARED_SECRET
 */
export function openHubPacket(crypto: Crypto, hub: HubKeys, packet: Uint8Array): HubPayload {
  const epoch = packetEpoch(packet);
  if (epoch === undefined) {
    throw new ProtocolError('PACKET_INVALID', 'packet is of another version');
  }
  const bytes = openInner(crypto, 'hub', { epoch, secretKey: hub.secretKey, publicKey: hub.publicKey }, packet);
  const expected = mac(crypto, 'packet', hub.pairingKey, bytes.subarray(0, MAC_OFFSET));
  if (!equalBytes(expected, bytes.subarray(MAC_OFFSET, MAC_OFFSET + PACKET_MAC_LENGTH))) {
    throw new ProtocolError('PACKET_INVALID', 'packet is not from the paired meter');
  }
  return decodePayload(bytes);
}

function decodePayload(bytes: Uint8Array): HubPayload {
  const slotStart = readUint64(bytes, 0);
  if (slotStart > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ProtocolError('PACKET_INVALID', 'payload is malformed');
  }
  const handles: Handle[] = [];
  for (let place = 0; place < HANDLE_PLACES; place++) {
    const offset = HANDLES_OFFSET + place * HANDLE_LENGTH;
    const handle = bytes.subarray(offset, offset + HANDLE_LENGTH);
    const k = readUint16(handle, 2);
    if (k === 0 ? handle.some((byte) => byte !== 0) : handles.length < place) {
      throw new ProtocolError('PACKET_INVALID', 'filler is not zero or precedes a handle');
    }
    if (k !== 0) {
      handles.push({ epoch: readUint16(handle, 0), k, pseudonym: handle.subarray(4) });
    }
  }
  return {
    slotStartSeconds: Number(slotStart),
    measuredMilliWattHours: readUint128(bytes, 8),
    carriedMilliWattHours: readUint128(bytes, 24),
    handles,
  };
}
