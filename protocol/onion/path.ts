// SPDX-License-Identifier: Apache-2.0
import { readUint32 } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { relaysOfLayer } from './directory.js';
import type { Directory } from './directory-format.js';
import { wrapPacket, type PacketRoute, type RandomSource, type WrapLayer } from './packet.js';

/** Distribution of the delays at relays; `onion` in the parameters. */
export interface DelayParameters {
  readonly meanDelayMilliseconds: number;
  /** A delay above this many means is drawn again. */
  readonly maximumDelayMeans: number;
}

/** One relay of a path, by its index in the directory, and how long it holds the packet. */
export interface PathHop {
  readonly relay: number;
  readonly delayMilliseconds: number;
}

/** Exit of a packet from the tier. */
export type PacketDestination =
  | { readonly to: 'control-center' }
  /** A mailbox at this last-layer relay, an index into the directory. */
  | { readonly to: 'mailbox'; readonly relay: number; readonly mailbox: Uint8Array };

/** Maximum delay at a relay, milliseconds. */
export function maximumDelayMilliseconds(delays: DelayParameters): number {
  return delays.meanDelayMilliseconds * delays.maximumDelayMeans;
}

/**
 * Draws a path: in every layer a relay uniformly, at every hop a delay. As an operator serves one layer only, the
 * relays of a path belong to different operators. A packet to a mailbox ends at the mailbox's relay.
 *
 * @throws ProtocolError DIRECTORY_INVALID: the mailbox is not at a relay of the last layer
 */
export function drawPath(
  directory: Directory,
  destination: PacketDestination,
  delays: DelayParameters,
  random: RandomSource,
): PathHop[] {
  return Array.from({ length: directory.layers }, (_, index) => {
    const relays = relaysOfLayer(directory, index + 1);
    const isLast = index + 1 === directory.layers;
    const relay = isLast && destination.to === 'mailbox' ? destination.relay : relays[drawIndex(relays.length, random)];
    if (relay === undefined || !relays.includes(relay)) {
      throw new ProtocolError('DIRECTORY_INVALID', 'path ends at a relay that is not in the last layer');
    }
    return { relay, delayMilliseconds: drawDelay(delays, random) };
  });
}

/** An inner packet and its way through the tier. */
export interface PathParts {
  readonly directory: Directory;
  readonly path: readonly PathHop[];
  readonly destination: PacketDestination;
  /** INNER_LENGTH bytes. */
  readonly inner: Uint8Array;
  readonly random: RandomSource;
}

/**
 * Wraps an inner packet for a path.
 *
 * @returns the packet as each relay of the path gets it, and the inner packet last
 * @throws ProtocolError PACKET_INVALID, DIRECTORY_INVALID, ZERO_SHARED_SECRET
 */
export function wrapForPath(
  crypto: Crypto,
  { directory, path, destination, inner, random }: PathParts,
): [Uint8Array, ...Uint8Array[]] {
  const end: PacketRoute =
    destination.to === 'mailbox' ? { to: 'mailbox', mailbox: destination.mailbox } : { to: 'control-center' };
  const layers = path.map(({ relay, delayMilliseconds }, index): WrapLayer => {
    const entry = directory.relays[relay];
    if (entry === undefined) {
      throw new ProtocolError('DIRECTORY_INVALID', 'path names a relay that does not exist');
    }
    const next = path[index + 1];
    const route: PacketRoute = next === undefined ? end : { to: 'relay', relay: next.relay };
    return { onionKey: entry.descriptor.onionKey, delayMilliseconds, route };
  });
  return wrapPacket(crypto, { epoch: directory.epoch, layers, inner, random });
}

/** A whole number of milliseconds, exponentially distributed, drawn again above the maximum. */
export function drawDelay(delays: DelayParameters, random: RandomSource): number {
  const maximum = maximumDelayMilliseconds(delays);
  for (;;) {
    const delay = Math.round(-Math.log(drawUnit(random)) * delays.meanDelayMilliseconds);
    if (delay <= maximum) {
      return delay;
    }
  }
}

/**
 * A uniform index below `count`, without the bias of a remainder.
 *
 * @throws ProtocolError DIRECTORY_INVALID: there is nothing to draw from
 */
export function drawIndex(count: number, random: RandomSource): number {
  if (count < 1) {
    throw new ProtocolError('DIRECTORY_INVALID', 'a layer has no relays');
  }
  const limit = 2 ** 32 - (2 ** 32 % count);
  for (;;) {
    const draw = readUint32(random(4), 0);
    if (draw < limit) {
      return draw % count;
    }
  }
}

/** Uniform in (0, 1], 52 bits. */
function drawUnit(random: RandomSource): number {
  const bytes = random(8);
  return ((readUint32(bytes, 0) & 0xfffff) * 2 ** 32 + readUint32(bytes, 4) + 1) / 2 ** 52;
}
