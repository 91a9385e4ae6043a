// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../crypto/crypto.js';
import { relaysOfLayer } from './directory.js';
import type { Directory } from './directory-format.js';
import { MAILBOX_ID_LENGTH, PAYLOAD_LENGTH } from './geometry.js';
import { encapsulatedKey, sealInner, type RandomSource } from './packet.js';
import {
  drawIndex,
  drawPath,
  wrapForPath,
  type DelayParameters,
  type PacketDestination,
  type PathHop,
} from './path.js';

/** Loops that all senders together make in a slot: a few hundred more packets in the tier, whatever its size. */
const LOOPS_OF_A_TIER = 192;
const FEWEST_LOOPS = 4;
/** The most loops that a sender makes in a slot, and so the most that an entry relay takes of one. */
export const MOST_LOOPS = 16;

/** Odds against a false alarm caused by one dead relay of the first layer. */
const FALSE_ALARM_ODDS = 1_000;

/** Maker of a loop: a relay, by its index in the directory, or the control center. */
export type LoopMaker = { readonly relay: number } | 'control-center';

/** A packet that returns to its maker; if it does not, packets are being dropped (Loopix, section 4.2.2). */
export interface Loop {
  readonly path: readonly PathHop[];
  /** For the path's first relay. */
  readonly packet: Uint8Array;
  /** The encapsulated key of the packet as it arrives at its maker, 32 bytes. */
  readonly key: Uint8Array;
  /** Sum of its delays on the way to the maker, milliseconds. */
  readonly delayMilliseconds: number;
}

/** Loops that one maker sends in each slot: 4 to 16. */
export function loopsPerSlot(directory: Directory): number {
  return Math.min(MOST_LOOPS, Math.max(FEWEST_LOOPS, Math.ceil(LOOPS_OF_A_TIER / directory.relays.length)));
}

/**
 * Number of loops missing in a row after which their maker considers itself cut off. With n entry relays, one of them
 * dead, m loops in a row are missing with probability n^−m; m is the least number that makes this 1/1,000 or less.
 */
export function loopsToAlarm(directory: Directory): number {
  const entries = relaysOfLayer(directory, 1).length;
  return entries < 2 ? FEWEST_LOOPS : Math.ceil(Math.log(FALSE_ALARM_ODDS) / Math.log(entries));
}

/** Maker of a loop, and what it draws the loop from. */
export interface LoopParts {
  readonly directory: Directory;
  readonly maker: LoopMaker;
  readonly delays: DelayParameters;
  readonly random: RandomSource;
}

/**
 * Makes a loop. To every relay but its maker it is a packet like any other: one of a meter to a hub when a relay makes
 * it, with a mailbox at the end that no hub has opened, one of a meter to the control center when that makes it.
 *
 * @throws ProtocolError DIRECTORY_INVALID
 */
export function makeLoop(crypto: Crypto, { directory, maker, delays, random }: LoopParts): Loop {
  const destination = endOf(directory, maker, random);
  const path = drawPath(directory, destination, delays, random);
  // How often a loop is held before it comes to its maker: a relay's own place on the path, or all of it.
  const before = maker === 'control-center' ? path.length : directory.relays[maker.relay]!.descriptor.layer - 1;
  if (maker !== 'control-center') {
    path[before] = { ...path[before]!, relay: maker.relay };
  }
  const recipient = destination.to === 'mailbox' ? 'hub' : 'control-center';
  const { onionKey } = directory.controlCenter;
  const inner = sealInner(crypto, {
    recipient,
    publicKey: onionKey,
    epoch: directory.epoch,
    payload: random(PAYLOAD_LENGTH),
    random,
  });
  const packets = wrapForPath(crypto, { directory, path, destination, inner, random });
  return {
    path,
    packet: packets[0],
    key: encapsulatedKey(packets[before]!).slice(),
    delayMilliseconds: path.slice(0, before).reduce((sum, hop) => sum + hop.delayMilliseconds, 0),
  };
}

function endOf(directory: Directory, maker: LoopMaker, random: RandomSource): PacketDestination {
  if (maker === 'control-center') {
    return { to: 'control-center' };
  }
  const last = relaysOfLayer(directory, directory.layers);
  const relay = last.includes(maker.relay) ? maker.relay : last[drawIndex(last.length, random)]!;
  return { to: 'mailbox', relay, mailbox: random(MAILBOX_ID_LENGTH) };
}
