// SPDX-License-Identifier: Apache-2.0
import { readUint64, requireLength, writeUint64 } from '../../protocol/crypto/bytes.js';
import { INNER_LENGTH, MAILBOX_ID_LENGTH } from '../../protocol/onion/geometry.js';
import { ClientError } from '../runtime/errors.js';
import { MAILBOX_BATCH, MAILBOX_PACKETS_LENGTH } from './frames.js';

/** Answer of a relay to a drain. */
export interface MailboxPackets {
  /** Number of the last packet in here, or of the last one received when there is none. */
  readonly lastNumber: bigint;
  /** Whether there are more. */
  readonly more: boolean;
  /** Inner packets for the hub, oldest first, at most MAILBOX_BATCH. */
  readonly packets: readonly Uint8Array[];
}

const PLACES_OFFSET = 10;

/** The mailbox that belongs to a link: the first 8 bytes of its pin, so that a hub can open no other one. */
export function mailboxIdOf(pin: Uint8Array): Uint8Array {
  return pin.subarray(0, MAILBOX_ID_LENGTH);
}

/** Body of a `mailboxDrain` frame. @param received number of the last packet received, 0 at the start of a link */
export function encodeDrain(received: bigint): Uint8Array {
  const body = new Uint8Array(8);
  writeUint64(body, 0, received);
  return body;
}

/** Reads the body of a `mailboxDrain` frame. @throws ProtocolError BAD_LENGTH */
export function decodeDrain(body: Uint8Array): bigint {
  requireLength(body, 8, 'drain of a mailbox');
  return readUint64(body, 0);
}

/** Body of a `mailboxPackets` frame, MAILBOX_PACKETS_LENGTH bytes however many packets there are. */
export function encodeMailboxPackets({ lastNumber, more, packets }: MailboxPackets): Uint8Array {
  const body = new Uint8Array(MAILBOX_PACKETS_LENGTH);
  writeUint64(body, 0, lastNumber);
  body[8] = packets.length;
  body[9] = more ? 1 : 0;
  packets.forEach((packet, place) => body.set(packet, PLACES_OFFSET + place * INNER_LENGTH));
  return body;
}

/** Reads the body of a `mailboxPackets` frame. @throws ClientError BAD_ANSWER */
export function decodeMailboxPackets(body: Uint8Array): MailboxPackets {
  const [count = 0, more = 0] = body.subarray(8, PLACES_OFFSET);
  const isWhole = body.length === MAILBOX_PACKETS_LENGTH && count <= MAILBOX_BATCH && more <= 1;
  if (!isWhole || body.subarray(PLACES_OFFSET + count * INNER_LENGTH).some((byte) => byte !== 0)) {
    throw new ClientError('BAD_ANSWER', 'mailbox answer is malformed');
  }
  const packets = Array.from({ length: count }, (_, place) => {
    const offset = PLACES_OFFSET + place * INNER_LENGTH;
    return body.subarray(offset, offset + INNER_LENGTH);
  });
  return { lastNumber: readUint64(body, 0), more: more === 1, packets };
}
