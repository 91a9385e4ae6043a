// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import {
  equalBytes,
  fromHex,
  readUint16,
  readUint32,
  readUint64,
  toHex,
  writeUint16,
  writeUint32,
  writeUint64,
} from '../../../protocol/crypto/bytes.js';
import { INNER_LENGTH, MAILBOX_ID_LENGTH } from '../../../protocol/onion/geometry.js';
import type { PacketRoute } from '../../../protocol/onion/packet.js';
import { ClientError } from '../../runtime/errors.js';
import { SealedFile, type FileKey } from '../../runtime/sealed-file.js';
import type { HeldPacket } from './delay-pool.js';
import type { Mailbox } from './mailboxes.js';

/** Packets and mailboxes that a relay holds in memory. */
export interface Held {
  readonly packets: readonly HeldPacket[];
  /** By id in hex. */
  readonly mailboxes: ReadonlyMap<string, Mailbox>;
}

export const NOTHING_HELD: Held = { packets: [], mailboxes: new Map() };

/** Numbers of packets and of mailboxes. */
const COUNTS_LENGTH = 8;
/** due 8 ‖ epoch 2 ‖ kind of route 1 ‖ relay 2 ‖ mailbox 8 ‖ length 2. */
const PACKET_HEADER_LENGTH = 23;
/** id 8 ‖ first number 8 ‖ count 2. */
const MAILBOX_HEADER_LENGTH = 18;
const ROUTES = ['relay', 'control-center', 'mailbox'] as const satisfies readonly PacketRoute['to'][];

/** Keeps held packets and mailboxes over a graceful restart. */
export class HeldFile {
  readonly #file: SealedFile;

  constructor(path: string, fileKey: FileKey) {
    this.#file = new SealedFile(path, fileKey);
  }

  save(held: Held): Promise<void> {
    return this.#file.write(encodeHeld(held));
  }

  /**
   * Reads and removes the saved state. It is removed before use: after a crash it is lost rather than sent twice.
   *
   * @throws ClientError SEALED_INVALID; ProtocolError BAD_LENGTH
   */
  async take(): Promise<Held> {
    const bytes = await this.#file.read();
    if (bytes === undefined) {
      return NOTHING_HELD;
    }
    await rm(this.#file.path);
    const held = decodeHeld(bytes);
    if (!equalBytes(encodeHeld(held), bytes)) {
      throw new ClientError('SEALED_INVALID', `${this.#file.path} holds no packets in their encoding`);
    }
    return held;
  }
}

function encodeHeld({ packets, mailboxes }: Held): Uint8Array {
  let length = COUNTS_LENGTH;
  for (const { packet } of packets) {
    length += PACKET_HEADER_LENGTH + packet.length;
  }
  for (const mailbox of mailboxes.values()) {
    length += MAILBOX_HEADER_LENGTH + mailbox.packets.length * INNER_LENGTH;
  }
  const bytes = new Uint8Array(length);
  writeUint32(bytes, 0, packets.length);
  writeUint32(bytes, 4, mailboxes.size);
  let offset = COUNTS_LENGTH;
  for (const { dueMilliseconds, epoch, route, packet } of packets) {
    writeUint64(bytes, offset, BigInt(dueMilliseconds));
    writeUint16(bytes, offset + 8, epoch);
    bytes[offset + 10] = ROUTES.indexOf(route.to);
    if (route.to === 'relay') {
      writeUint16(bytes, offset + 11, route.relay);
    }
    if (route.to === 'mailbox') {
      bytes.set(route.mailbox, offset + 13);
    }
    writeUint16(bytes, offset + 21, packet.length);
    bytes.set(packet, offset + PACKET_HEADER_LENGTH);
    offset += PACKET_HEADER_LENGTH + packet.length;
  }
  for (const [id, mailbox] of mailboxes) {
    bytes.set(fromHex(id), offset);
    writeUint64(bytes, offset + 8, mailbox.firstNumber);
    writeUint16(bytes, offset + 16, mailbox.packets.length);
    offset += MAILBOX_HEADER_LENGTH;
    for (const packet of mailbox.packets) {
      bytes.set(packet, offset);
      offset += INNER_LENGTH;
    }
  }
  return bytes;
}

function decodeHeld(bytes: Uint8Array): Held {
  let offset = COUNTS_LENGTH;
  const packets = Array.from({ length: readUint32(bytes, 0) }, (): HeldPacket => {
    const start = offset + PACKET_HEADER_LENGTH;
    const held = {
      dueMilliseconds: Number(readUint64(bytes, offset)),
      epoch: readUint16(bytes, offset + 8),
      sender: 0,
      route: decodeRoute(bytes.subarray(offset + 10, offset + 21)),
      packet: bytes.slice(start, start + readUint16(bytes, offset + 21)),
    };
    offset = start + held.packet.length;
    return held;
  });
  const mailboxes = new Map<string, Mailbox>();
  for (let left = readUint32(bytes, 4); left > 0; left--) {
    const id = toHex(bytes.subarray(offset, offset + MAILBOX_ID_LENGTH));
    const firstNumber = readUint64(bytes, offset + 8);
    const count = readUint16(bytes, offset + 16);
    offset += MAILBOX_HEADER_LENGTH;
    const start = offset;
    offset += count * INNER_LENGTH;
    mailboxes.set(id, {
      firstNumber,
      packets: Array.from({ length: count }, (_, index) =>
        bytes.slice(start + index * INNER_LENGTH, start + (index + 1) * INNER_LENGTH),
      ),
    });
  }
  return { packets, mailboxes };
}

function decodeRoute(bytes: Uint8Array): PacketRoute {
  const to = ROUTES[bytes[0]!]!;
  if (to === 'relay') {
    return { to, relay: readUint16(bytes, 1) };
  }
  return to === 'mailbox' ? { to, mailbox: bytes.slice(3) } : { to };
}
