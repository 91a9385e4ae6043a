// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import { sealControlCenterPacket, type ControlCenterPayload } from '../../protocol/onion/control-center-payload.js';
import { relaysOfLayer } from '../../protocol/onion/directory.js';
import type { Directory } from '../../protocol/onion/directory-format.js';
import { sealHubPacket, type HubPairing, type HubPayload } from '../../protocol/onion/hub-payload.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { drawIndex, drawPath, wrapForPath, type PacketDestination } from '../../protocol/onion/path.js';
import type { LinkTarget } from '../links/connect.js';

/** A packet and its entry relay. */
export interface OutgoingPacket {
  readonly entry: LinkTarget;
  readonly bytes: Uint8Array;
}

/** Route to a meter's hub: its keys, and the relay that keeps its mailbox. */
export interface HubRoute extends HubPairing {
  /** Address of the mailbox's relay as the directory names it, `host:port`. */
  readonly mailboxRelay: string;
  /** Mailbox id, 8 bytes. */
  readonly mailbox: Uint8Array;
}

/** Context in which the packets of a slot are made. */
export interface PacketContext {
  readonly crypto: Crypto;
  readonly directory: Directory;
  readonly onion: OnionParameters;
  readonly random: RandomSource;
}

/**
 * Makes the packet to the control center.
 *
 * @param linkKey h_e of the payload's epoch, 32 bytes
 */
export function controlCenterPacket(
  context: PacketContext,
  payload: ControlCenterPayload,
  linkKey: Uint8Array,
): OutgoingPacket {
  const { crypto, directory, random } = context;
  const inner = sealControlCenterPacket(crypto, {
    onionKey: directory.controlCenter.onionKey,
    payload,
    linkKey,
    random,
  });
  return route(context, { to: 'control-center' }, inner);
}

/** Makes the packet to the hub. */
export function hubPacket(context: PacketContext, hub: HubRoute, payload: HubPayload): OutgoingPacket {
  const { crypto, directory, random } = context;
  const inner = sealHubPacket(crypto, { hub, epoch: directory.epoch, payload, random });
  return route(context, { to: 'mailbox', relay: mailboxRelay(context, hub), mailbox: hub.mailbox }, inner);
}

/**
 * Returns the directory index of the mailbox's relay. While that relay is not in the directory the packet goes to
 * another one, which drops it, because the number of packets must not show that a hub is unreachable.
 */
function mailboxRelay({ directory, random }: PacketContext, hub: HubRoute): number {
  const last = relaysOfLayer(directory, directory.layers);
  const found = last.find((index) => directory.relays[index]?.descriptor.address === hub.mailboxRelay);
  return found ?? last[drawIndex(last.length, random)]!;
}

function route(context: PacketContext, destination: PacketDestination, inner: Uint8Array): OutgoingPacket {
  const { crypto, directory, onion, random } = context;
  const path = drawPath(directory, destination, onion, random);
  const entry = directory.relays[path[0]!.relay]!.descriptor;
  const [bytes] = wrapForPath(crypto, { directory, path, destination, inner, random });
  return { entry: { address: entry.address, pin: entry.linkPin }, bytes };
}
