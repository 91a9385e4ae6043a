// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../runtime/clock.js';
import { MAXIMUM_DESCRIPTOR_BYTES } from '../../protocol/onion/directory-format.js';
import { INNER_LENGTH, MAXIMUM_LAYERS, packetLength } from '../../protocol/onion/geometry.js';

/** A frame on a link: type 1 ‖ length of the body 4, big endian ‖ body. */
export const FRAME_HEADER_LENGTH = 5;

/** Types of frames. */
export const FRAME = {
  /** An onion packet, towards the next relay or the control center. */
  packet: 1,
  /** Hub → relay: open the mailbox whose id is the start of this link's pin. Empty. */
  mailboxOpen: 2,
  /** Hub → relay: number of the last packet received, 8 bytes; asks for the ones after it. */
  mailboxDrain: 3,
  /** Relay → hub: see `mailbox-frames.ts`. */
  mailboxPackets: 4,
  /** Relay → control center: a signed descriptor, canonical JSON. */
  descriptor: 5,
} as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Packets in one answer of a mailbox; every answer is padded to this number, so that its size reveals nothing. */
export const MAILBOX_BATCH = 4;

/** Packets a relay keeps in one mailbox: three and a half days of slots of five minutes. */
export const MAILBOX_CAPACITY = 1_024;

/** Body of a `mailboxPackets` frame: number of the first packet 8 ‖ count 1 ‖ more 1 ‖ places. */
export const MAILBOX_PACKETS_LENGTH = 8 + 1 + 1 + MAILBOX_BATCH * INNER_LENGTH;

/** The longest body of each frame; a longer one closes the link before it is read. */
export const MAXIMUM_BODY_LENGTH: Readonly<Record<FrameType, number>> = {
  [FRAME.packet]: packetLength(MAXIMUM_LAYERS),
  [FRAME.mailboxOpen]: 0,
  [FRAME.mailboxDrain]: 8,
  [FRAME.mailboxPackets]: MAILBOX_PACKETS_LENGTH,
  [FRAME.descriptor]: MAXIMUM_DESCRIPTOR_BYTES,
};

/**
 * Bytes a link holds for a peer that takes them too slowly or is away: some 8,000 packets, a third of a second at the
 * rate one relay is built for.
 */
export const MAXIMUM_QUEUED_BYTES = 8 * 1024 * 1024;

/** Most bytes handed to TLS in one write: four full records. Larger writes would only delay the first packet. */
const WRITE_LENGTH = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** Cuts a byte stream into frames. */
export class FrameReader {
  /** Bytes received so far of an incomplete frame. */
  #rest: Buffer = NOTHING;

  /**
   * Reads data from a socket.
   *
   * @param onFrame called with each complete frame; the body is a view that stays valid
   * @returns false at the first frame of an unknown type or over its bound: the link is to be closed
   */
  push(data: Buffer, onFrame: (type: FrameType, body: Uint8Array) => void): boolean {
    let offset = 0;
    // Only the missing bytes of an incomplete frame are copied: first of its header, then of its body.
    while (this.#rest.length > 0) {
      const length = frameLength(this.#rest, 0);
      if (length === undefined) {
        return false;
      }
      if (length === this.#rest.length) {
        onFrame(this.#rest[0] as FrameType, this.#rest.subarray(FRAME_HEADER_LENGTH));
        this.#rest = NOTHING;
      } else if (offset < data.length) {
        const more = data.subarray(offset, offset + length - this.#rest.length);
        this.#rest = Buffer.concat([this.#rest, more]);
        offset += more.length;
      } else {
        return true;
      }
    }
    for (;;) {
      const length = frameLength(data, offset);
      if (length === undefined) {
        return false;
      }
      if (length > data.length - offset) {
        break;
      }
      onFrame(data[offset] as FrameType, data.subarray(offset + FRAME_HEADER_LENGTH, offset + length));
      offset += length;
    }
    this.#rest = data.subarray(offset);
    return true;
  }
}

/** Length of the frame that begins here, of its header while that is not complete; undefined when it is refused. */
function frameLength(bytes: Buffer, offset: number): number | undefined {
  if (bytes.length - offset < FRAME_HEADER_LENGTH) {
    return FRAME_HEADER_LENGTH;
  }
  const length = bytes.readUInt32BE(offset + 1);
  // An unknown type has no bound, and no length is within it.
  return length <= MAXIMUM_BODY_LENGTH[bytes[offset] as FrameType] ? FRAME_HEADER_LENGTH + length : undefined;
}

/**
 * Bounded queue of frames to be written. When it is full, new frames are refused: a flood cannot displace the frames
 * already queued.
 */
export class FrameQueue {
  #frames: Buffer[] = [];
  #bytes = 0;

  readonly #clock: Clock;
  readonly #maximumBytes: number;

  constructor(clock: Clock, maximumBytes: number = MAXIMUM_QUEUED_BYTES) {
    this.#clock = clock;
    this.#maximumBytes = maximumBytes;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** Copies a frame in. @returns false when the queue is full */
  push(type: FrameType, body: Uint8Array): boolean {
    const length = FRAME_HEADER_LENGTH + body.length;
    if (this.#bytes + length > this.#maximumBytes) {
      return false;
    }
    const frame = Buffer.allocUnsafe(length);
    frame[0] = type;
    frame.writeUInt32BE(body.length, 1);
    frame.set(body, FRAME_HEADER_LENGTH);
    this.#frames.push(frame);
    this.#bytes += length;
    this.#clock.activity.frames.sent++;
    return true;
  }

  /** The next bytes to write: as many whole frames as fit one write, and their number. */
  take(): { readonly bytes: Buffer; readonly frames: number } {
    let count = 0;
    let length = 0;
    while (count < this.#frames.length && (count === 0 || length + this.#frames[count]!.length <= WRITE_LENGTH)) {
      length += this.#frames[count++]!.length;
    }
    const taken = this.#frames.splice(0, count);
    this.#bytes -= length;
    return { bytes: count === 1 ? taken[0]! : Buffer.concat(taken, length), frames: count };
  }

  /** Drops all waiting frames. @returns how many */
  clear(): number {
    const lost = this.#frames.length;
    this.#frames = [];
    this.#bytes = 0;
    // They were never sent, so simulated time does not wait for their arrival.
    this.#clock.activity.frames.sent -= lost;
    return lost;
  }
}
