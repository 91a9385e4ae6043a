// SPDX-License-Identifier: Apache-2.0
import { ROW_LENGTH } from '../ledger/row.js';

/*
 * Sizes of the onion packet. Every layer adds the same number of bytes and both inner packets are equally long, so
 * all packets on the links of one layer have one size, wherever they go and whatever they carry.
 */

/** First byte of every onion layer and of both inner packets. */
export const PACKET_VERSION = 1;

/** version 1 ‖ epoch 2: in the clear, bound as associated data by the layer that follows. */
export const PREFIX_LENGTH = 3;

/** X25519 encapsulated key (32) and Poly1305 tag (16) of one HPKE box. */
export const BOX_OVERHEAD = 48;

/** flags 1 ‖ next hop 2 ‖ delay 4 ‖ mailbox 8 ‖ zero 1. */
export const HEADER_LENGTH = 16;

/** Bytes that one layer adds to a packet: 67. */
export const LAYER_OVERHEAD = PREFIX_LENGTH + BOX_OVERHEAD + HEADER_LENGTH;

/** First 8 bytes of SHA-256(SubjectPublicKeyInfo of the hub's link key). */
export const MAILBOX_ID_LENGTH = 8;

/** Length of a packet MAC (HMAC-SHA-256). */
export const PACKET_MAC_LENGTH = 32;

/** Rows a packet to the control center has places for; `rowsPerPacket` in the parameters. */
export const ROW_PLACES = 3;

/** k 2 ‖ row 177. */
export const PLACE_LENGTH = 2 + ROW_LENGTH;

/** Handles a packet to a hub repeats, so that up to 15 lost packets in a row lose nothing. */
export const HANDLE_PLACES = 16;

/** epoch 2 ‖ k 2 ‖ pseudonym 32. */
export const HANDLE_LENGTH = 36;

/** slot 8 ‖ measured 16 ‖ carried 16 ‖ handles ‖ MAC 32: the longer payload, which gives both their length. */
export const PAYLOAD_LENGTH = 8 + 16 + 16 + HANDLE_PLACES * HANDLE_LENGTH + PACKET_MAC_LENGTH;

/** Length of the packet that the last relay hands to the control center or puts into a mailbox: 699 bytes. */
export const INNER_LENGTH = PREFIX_LENGTH + BOX_OVERHEAD + PAYLOAD_LENGTH;

/** Layers of relays a directory may have: each costs a mean delay and 67 bytes; beyond 8 nothing is gained. */
export const MAXIMUM_LAYERS = 8;

/**
 * Length of a packet on a link into the relay that has `layersLeft` layers to go, its own included; 0 is the link
 * into the control center or out of a mailbox.
 */
export function packetLength(layersLeft: number): number {
  return INNER_LENGTH + layersLeft * LAYER_OVERHEAD;
}

/** Length of what the relay with `layersLeft` layers to go finds in its layer: header ‖ packet to pass on. */
export function plaintextLength(layersLeft: number): number {
  return HEADER_LENGTH + packetLength(layersLeft - 1);
}
