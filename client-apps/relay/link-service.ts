// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { packetLength } from '../../protocol/onion/geometry.js';
import { MOST_LOOPS } from '../../protocol/onion/loop.js';
import type { PartyContext } from '../runtime/party.js';
import type { Timers } from '../runtime/timers.js';
import { FRAME, MAILBOX_BATCH, MAILBOX_CAPACITY, type FrameType } from '../links/frames.js';
import type { LinkPeer } from '../links/link.js';
import { certifiedRole, type LinkIdentity, type LinkRole } from '../links/link-identity.js';
import { listenLinks, type AcceptedLink, type LinkListener } from '../links/listen.js';
import { decodeDrain, encodeMailboxPackets, mailboxIdOf } from '../links/mailbox-frames.js';
import { Shares, type Excess, type Share } from '../links/shares.js';
import type { PlacedRelayConfig } from './config.js';
import type { Counters } from './counters.js';
import type { LiveEpoch } from './epochs.js';
import type { Mailboxes } from './packets/mailboxes.js';
import type { PacketHandler } from './packets/packet-handler.js';
import type { TierFollower } from './tier-follower.js';

/** Packets that a meter sends in one slot: one to the control center, one to its hub. */
const OF_METER = shareOfSlot(2);
/** Loops that a relay or the control center sends in one slot. */
const OF_LOOP_SENDER = shareOfSlot(MOST_LOOPS);
/** Frames of a hub in one slot: it drains a full mailbox twice. */
const DRAINS = (2 * MAILBOX_CAPACITY) / MAILBOX_BATCH;
const OF_HUB: Share = { perSlot: DRAINS, burst: DRAINS };

/** Parts of a relay that its links use. */
export interface LinkServices {
  readonly config: PlacedRelayConfig;
  readonly context: PartyContext;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly mailboxes: Mailboxes;
  /** Undefined until the parameters are read; without a live epoch no peer is admitted. */
  readonly tier: () => TierFollower | undefined;
  readonly handler: () => PacketHandler | undefined;
}

/**
 * Takes the links of a relay: of enrolled meters in the first layer, of the relays of the layer before in the others,
 * of hubs in the last; in the first also of all who send loops, the other relays and the control center.
 *
 * @throws ClientError LINK_REFUSED when it cannot listen
 */
export function listenForPeers(identity: LinkIdentity, services: LinkServices): Promise<LinkListener<LinkRole>> {
  const { config, timers, counters, tier } = services;
  // A peer is admitted, and so sends frames, only after the parameters are read.
  const shares = new Shares(
    timers.clock,
    () => tier()!.parameters,
    (excess) => logExcess(services, excess),
  );
  return listenLinks<LinkRole>({
    identity,
    host: config.links.host,
    port: config.links.port,
    timers,
    admit: (peer) => roleOf(peer, services),
    onFrame: (link, type, body) => handleFrame(link, { type, body }, services, shares),
    onEnd: (_link, reason) => {
      if (reason === 'refused') {
        counters.linksRefused++;
      }
      if (reason === 'bad-frame' || reason === 'over-share') {
        counters.linksCut++;
      }
    },
  });
}

/** One line for a peer and slot, however much it sent. A relay is named, as in the directory; a household never. */
function logExcess({ context, tier }: LinkServices, { pin, over, faults, refused }: Excess): void {
  const relay = (tier()?.epochs.all() ?? [])
    .flatMap(({ directory }) => directory.relays)
    .find(({ descriptor: { linkPin } }) => equalBytes(linkPin, pin))?.descriptor;
  context.log.warn(
    { relay: relay?.address, operator: relay?.operator, over, faults, refused },
    'a peer sent more than its share, or frames that are not valid: they were dropped',
  );
}

/** Role that a peer may link as, by the directories in force; undefined to refuse it. */
function roleOf(peer: LinkPeer, { config, context, tier }: LinkServices): LinkRole | undefined {
  for (const { directory } of tier()?.epochs.all() ?? []) {
    const isRelay = directory.relays.some(
      ({ descriptor: { layer, linkPin } }) =>
        (config.layer === 1 || layer === config.layer - 1) && equalBytes(linkPin, peer.pin),
    );
    const isControlCenter = config.layer === 1 && equalBytes(directory.controlCenter.linkPin, peer.pin);
    if (isRelay || isControlCenter) {
      return 'relay';
    }
    const now = context.clock.nowMilliseconds();
    const role = certifiedRole(peer.certificate, directory.linkAuthority, config.region, now);
    if (role === 'meter' && config.layer === 1) {
      return role;
    }
    if (role === 'hub' && config.layer === directory.layers) {
      return role;
    }
  }
  return undefined;
}

function handleFrame(
  link: AcceptedLink<LinkRole>,
  { type, body }: { readonly type: FrameType; readonly body: Uint8Array },
  services: LinkServices,
  shares: Shares,
): void | Promise<void> {
  const { counters, mailboxes } = services;
  if (type === FRAME.packet && link.role !== 'hub') {
    return takePacket(link, body, services, shares);
  }
  const isOpen = type === FRAME.mailboxOpen;
  if (link.role !== 'hub' || !(isOpen || (type === FRAME.mailboxDrain && body.length === 8))) {
    link.cut();
    return;
  }
  if (!shares.allows(link, OF_HUB)) {
    counters.dropped['over-share']++;
    return;
  }
  if (isOpen) {
    mailboxes.open(mailboxIdOf(link.pin));
    return;
  }
  const packets = mailboxes.drain(mailboxIdOf(link.pin), decodeDrain(body));
  if (packets !== undefined) {
    link.send(FRAME.mailboxPackets, encodeMailboxPackets(packets));
  }
}

function takePacket(
  link: AcceptedLink<LinkRole>,
  packet: Uint8Array,
  { config, counters, tier, handler }: LinkServices,
  shares: Shares,
): void | Promise<void> {
  const live = tier()?.epochs.all() ?? [];
  if (live.length === 0) {
    return;
  }
  if (!shares.allows(link, shareOf(link.role, config.layer, live))) {
    counters.received++;
    counters.dropped['over-share']++;
    return;
  }
  // A relay passes on whole packets only. One that does not open may be the fault of its first sender.
  if (live.every(({ layersLeft }) => packet.length !== packetLength(layersLeft))) {
    counters.received++;
    counters.dropped['not-genuine']++;
    shares.fault(link);
    return;
  }
  return handler()?.accept(link, packet);
}

function shareOf(role: LinkRole, layer: number, live: readonly LiveEpoch[]): Share {
  if (role === 'meter') {
    return OF_METER;
  }
  if (layer === 1) {
    return OF_LOOP_SENDER;
  }
  return shareOfSlot(Math.max(0, ...live.map(({ packetsFromRelay }) => packetsFromRelay)));
}

/** A peer's slots are not those of this relay: with clocks a second apart, packets of two of them come in one. */
function shareOfSlot(perSlot: number): Share {
  return { perSlot, burst: 2 * perSlot };
}
