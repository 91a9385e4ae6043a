// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, readUint16, readUint32, writeUint16, writeUint32 } from '../crypto/bytes.js';
import { KEY_LENGTH, TAG_LENGTH, type Crypto } from '../crypto/crypto.js';
import { hpkeOpen, hpkeSeal } from '../crypto/hpke.js';
import { ProtocolError } from '../errors.js';
import {
  HEADER_LENGTH,
  INNER_LENGTH,
  LAYER_OVERHEAD,
  MAILBOX_ID_LENGTH,
  MAXIMUM_LAYERS,
  packetLength,
  PACKET_VERSION,
  PAYLOAD_LENGTH,
  PREFIX_LENGTH,
} from './geometry.js';

/** Draws `length` secret random bytes. protocol/ has no source of its own. */
export type RandomSource = (length: number) => Uint8Array;

/** An X25519 key pair that opens onion layers or inner packets during one registry epoch. */
export interface OnionKeyPair {
  readonly epoch: number;
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Destination of a packet after a relay has held it. */
export type PacketRoute =
  /** Forward to this relay, an index into the epoch's directory. */
  | { readonly to: 'relay'; readonly relay: number }
  /** Hand to the control center. */
  | { readonly to: 'control-center' }
  /** Put into a mailbox at this relay. */
  | { readonly to: 'mailbox'; readonly mailbox: Uint8Array };

/** One layer to wrap: who opens it, how long it holds the packet, where the packet goes from there. */
export interface WrapLayer {
  /** X25519 key of the relay for the packet's epoch, 32 bytes. */
  readonly onionKey: Uint8Array;
  readonly delayMilliseconds: number;
  readonly route: PacketRoute;
}

/** An opened layer. */
export interface PeeledPacket {
  readonly route: PacketRoute;
  readonly delayMilliseconds: number;
  /** The packet to pass on, shorter by LAYER_OVERHEAD. */
  readonly packet: Uint8Array;
}

/** Recipient of an inner packet; each has its own HPKE info string, so that neither opens as the other. */
export type InnerRecipient = 'control-center' | 'hub';

const LAYER_INFO = asciiBytes('gridveil/v1/onion layer');
const INNER_INFO: Readonly<Record<InnerRecipient, Uint8Array>> = {
  'control-center': asciiBytes('gridveil/v1/onion control-center'),
  hub: asciiBytes('gridveil/v1/onion hub'),
};

/** Offset of the plaintext of a packet, and after sealing of the ciphertext: after prefix and key. */
const PLAINTEXT_OFFSET = PREFIX_LENGTH + KEY_LENGTH;

const TO_RELAY = 0;
const TO_CONTROL_CENTER = 1;
const TO_MAILBOX = 2;

/** Payload of an inner packet and its recipient. */
export interface InnerParts {
  readonly recipient: InnerRecipient;
  /** X25519 key of the recipient, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Registry epoch, 16 bits. */
  readonly epoch: number;
  /** PAYLOAD_LENGTH bytes. */
  readonly payload: Uint8Array;
  readonly random: RandomSource;
}

/**
 * Seals a payload for its final recipient.
 *
 * @returns the inner packet, INNER_LENGTH bytes
 * @throws ProtocolError BAD_LENGTH, ZERO_SHARED_SECRET
 */
export function sealInner(crypto: Crypto, { recipient, publicKey, epoch, payload, random }: InnerParts): Uint8Array {
  if (payload.length !== PAYLOAD_LENGTH) {
    throw new ProtocolError('BAD_LENGTH', 'onion payload has the wrong length');
  }
  const packet = new Uint8Array(INNER_LENGTH);
  packet.set(payload, PLAINTEXT_OFFSET);
  sealInPlace(crypto, { publicKey, info: INNER_INFO[recipient], epoch, packet, random });
  return packet;
}

/**
 * Opens an inner packet.
 *
 * @returns the payload, PAYLOAD_LENGTH bytes
 * @throws ProtocolError PACKET_INVALID: wrong length, version or epoch; DECRYPT_FAILED, ZERO_SHARED_SECRET
 */
export function openInner(
  crypto: Crypto,
  recipient: InnerRecipient,
  key: OnionKeyPair,
  packet: Uint8Array,
): Uint8Array {
  if (packet.length !== INNER_LENGTH) {
    throw new ProtocolError('PACKET_INVALID', 'inner packet has the wrong length');
  }
  return open(crypto, { key, info: INNER_INFO[recipient], packet });
}

/** An inner packet and the layers around it. */
export interface WrapParts {
  readonly epoch: number;
  /** First relay first; every route but the last goes to a relay, the last does not. */
  readonly layers: readonly WrapLayer[];
  /** INNER_LENGTH bytes. */
  readonly inner: Uint8Array;
  readonly random: RandomSource;
}

/**
 * Wraps an inner packet in one layer per relay.
 *
 * @returns the packet as each relay of the path gets it, the first one's first, `packetLength(layers.length)` bytes;
 *   the inner packet is the last
 * @throws ProtocolError PACKET_INVALID: bad layers; BAD_LENGTH, ZERO_SHARED_SECRET
 */
export function wrapPacket(crypto: Crypto, { epoch, layers, inner, random }: WrapParts): [Uint8Array, ...Uint8Array[]] {
  if (layers.length < 1 || layers.length > MAXIMUM_LAYERS) {
    throw new ProtocolError('PACKET_INVALID', `a packet has 1 to ${MAXIMUM_LAYERS} layers`);
  }
  if (inner.length !== INNER_LENGTH) {
    throw new ProtocolError('BAD_LENGTH', 'inner packet has the wrong length');
  }
  return layers.reduceRight<[Uint8Array, ...Uint8Array[]]>(
    (packets, layer, index) => {
      if ((layer.route.to === 'relay') === (index === layers.length - 1)) {
        throw new ProtocolError('PACKET_INVALID', 'all routes but the last go to a relay');
      }
      const packet = new Uint8Array(packets[0].length + LAYER_OVERHEAD);
      writeHeader(packet, PLAINTEXT_OFFSET, layer.route, layer.delayMilliseconds);
      packet.set(packets[0], PLAINTEXT_OFFSET + HEADER_LENGTH);
      sealInPlace(crypto, { publicKey: layer.onionKey, info: LAYER_INFO, epoch, packet, random });
      return [packet, ...packets];
    },
    [inner],
  );
}

/** A packet and the key that opens its outer layer. */
export interface PeelParts {
  readonly key: OnionKeyPair;
  /** Layers the packet still has, the relay's own included. */
  readonly layersLeft: number;
  readonly packet: Uint8Array;
  /**
   * Takes what is opened, `plaintextLength(layersLeft)` bytes, and what is returned are views of it; by default new
   * memory.
   */
  readonly output?: Uint8Array;
}

/**
 * Opens one layer. A relay drops what this refuses, without an answer. The caller detects replays: see
 * {@link encapsulatedKey}.
 *
 * @throws ProtocolError PACKET_INVALID: wrong length, version, epoch or header; DECRYPT_FAILED, ZERO_SHARED_SECRET
 */
export function peelPacket(crypto: Crypto, { key, layersLeft, packet, output }: PeelParts): PeeledPacket {
  if (packet.length !== packetLength(layersLeft)) {
    throw new ProtocolError('PACKET_INVALID', 'packet has the wrong length');
  }
  const plaintext = open(crypto, { key, info: LAYER_INFO, packet, output });
  const { route, delayMilliseconds } = decodeHeader(plaintext);
  if ((route.to === 'relay') !== layersLeft > 1) {
    throw new ProtocolError('PACKET_INVALID', 'route does not fit the layer');
  }
  return { route, delayMilliseconds, packet: plaintext.subarray(HEADER_LENGTH) };
}

/** The epoch a packet claims, or undefined when its version is unknown; the key of that epoch authenticates it. */
export function packetEpoch(packet: Uint8Array): number | undefined {
  return packet.length >= PREFIX_LENGTH && packet[0] === PACKET_VERSION ? readUint16(packet, 1) : undefined;
}

/**
 * The encapsulated key of a packet's outer layer, 32 bytes. It is fresh in every honest layer and bound by the AEAD
 * key, so of two packets that open with the same one, the second is a replay.
 */
export function encapsulatedKey(packet: Uint8Array): Uint8Array {
  return packet.subarray(PREFIX_LENGTH, PLAINTEXT_OFFSET);
}

interface SealParts {
  readonly publicKey: Uint8Array;
  readonly info: Uint8Array;
  readonly epoch: number;
  readonly packet: Uint8Array;
  readonly random: RandomSource;
}

/** Seals a packet in place: its memory contains the plaintext at its offset. */
function sealInPlace(crypto: Crypto, { publicKey, info, epoch, packet, random }: SealParts): void {
  packet[0] = PACKET_VERSION;
  writeUint16(packet, 1, epoch);
  const prefix = packet.subarray(0, PREFIX_LENGTH);
  const plaintext = packet.subarray(PLAINTEXT_OFFSET, packet.length - TAG_LENGTH);
  hpkeSeal(crypto, {
    ephemeralSecretKey: random(32),
    recipientPublicKey: publicKey,
    info,
    aad: prefix,
    plaintext,
    output: packet.subarray(PREFIX_LENGTH),
  });
}

interface OpenParts {
  readonly key: OnionKeyPair;
  readonly info: Uint8Array;
  readonly packet: Uint8Array;
  readonly output?: Uint8Array | undefined;
}

function open(crypto: Crypto, { key, info, packet, output }: OpenParts): Uint8Array {
  if (packetEpoch(packet) !== key.epoch) {
    throw new ProtocolError('PACKET_INVALID', 'packet is of another version or epoch');
  }
  const prefix = packet.subarray(0, PREFIX_LENGTH);
  return hpkeOpen(crypto, {
    recipientSecretKey: key.secretKey,
    recipientPublicKey: key.publicKey,
    info,
    aad: prefix,
    sealed: packet.subarray(PREFIX_LENGTH),
    output,
  });
}

/** Writes flags 1 ‖ next hop 2 ‖ delay 4 ‖ mailbox 8 ‖ zero 1 into zeros. */
function writeHeader(target: Uint8Array, offset: number, route: PacketRoute, delayMilliseconds: number): void {
  writeUint32(target, offset + 3, delayMilliseconds);
  switch (route.to) {
    case 'relay':
      target[offset] = TO_RELAY;
      writeUint16(target, offset + 1, route.relay);
      break;
    case 'control-center':
      target[offset] = TO_CONTROL_CENTER;
      break;
    case 'mailbox':
      if (route.mailbox.length !== MAILBOX_ID_LENGTH) {
        throw new ProtocolError('BAD_LENGTH', 'mailbox id is 8 bytes');
      }
      target[offset] = TO_MAILBOX;
      target.set(route.mailbox, offset + 7);
      break;
  }
}

/** Refuses every header that {@link writeHeader} does not make: fields a route has no use for are zero. */
function decodeHeader(plaintext: Uint8Array): { route: PacketRoute; delayMilliseconds: number } {
  const relay = readUint16(plaintext, 1);
  const delayMilliseconds = readUint32(plaintext, 3);
  const flags = plaintext[0];
  const canonical =
    plaintext[HEADER_LENGTH - 1] === 0 &&
    (flags === TO_RELAY || relay === 0) &&
    (flags === TO_MAILBOX || (readUint32(plaintext, 7) === 0 && readUint32(plaintext, 11) === 0));
  if (canonical && flags === TO_RELAY) {
    return { route: { to: 'relay', relay }, delayMilliseconds };
  }
  if (canonical && flags === TO_CONTROL_CENTER) {
    return { route: { to: 'control-center' }, delayMilliseconds };
  }
  if (canonical && flags === TO_MAILBOX) {
    const mailbox = plaintext.subarray(7, 7 + MAILBOX_ID_LENGTH);
    return { route: { to: 'mailbox', mailbox }, delayMilliseconds };
  }
  throw new ProtocolError('PACKET_INVALID', 'header is malformed');
}
