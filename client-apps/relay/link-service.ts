// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { MOST_LOOPS } from '../../protocol/onion/loop.js';
import type { Timers } from '../runtime/timers.js';
import { FRAME, type FrameType } from '../links/frames.js';
import type { LinkPeer } from '../links/link.js';
import { certifiedRole, type LinkIdentity, type LinkRole } from '../links/link-identity.js';
import { listenLinks, type AcceptedLink, type LinkListener } from '../links/listen.js';
import { decodeDrain, encodeMailboxPackets, mailboxIdOf } from '../links/mailbox-frames.js';
import type { PlacedRelayConfig } from './config.js';
import type { Counters } from './counters.js';
import type { LiveEpoch } from './epochs.js';
import type { Mailboxes } from './packets/mailboxes.js';
import type { PacketHandler } from './packets/packet-handler.js';

/** Packets a meter sends in one slot: one to the control center, one to its hub. */
const PACKETS_PER_SLOT = 2;

/** Parts of a relay that its links use. */
export interface LinkServices {
  readonly config: PlacedRelayConfig;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly mailboxes: Mailboxes;
  /** The epochs that are live now; without one no peer is admitted. */
  readonly liveEpochs: () => readonly LiveEpoch[];
  readonly handler: () => PacketHandler | undefined;
}

/**
 * Takes the links of a relay: of enrolled meters in the first layer, of the relays of the layer before in the others,
 * of hubs in the last; in the first also of all who send loops, the other relays and the control center.
 *
 * @throws ClientError LINK_REFUSED when it cannot listen
 */
export function listenForPeers(identity: LinkIdentity, services: LinkServices): Promise<LinkListener<LinkRole>> {
  const { config, timers, counters } = services;
  return listenLinks<LinkRole>({
    identity,
    host: config.links.host,
    port: config.links.port,
    timers,
    admit: (peer) => roleOf(peer, services),
    onFrame: (link, type, body) => handleFrame(link, type, body, services),
    onEnd: (_link, reason) => {
      if (reason === 'refused') {
        counters.linksRefused++;
      }
      if (reason === 'bad-frame') {
        counters.linksCut++;
      }
    },
  });
}

/** Role that a peer may link as, by the directories in force; undefined to refuse it. */
function roleOf(peer: LinkPeer, { config, timers, liveEpochs }: LinkServices): LinkRole | undefined {
  for (const { directory } of liveEpochs()) {
    const isRelay = directory.relays.some(
      ({ descriptor: { layer, linkPin } }) =>
        (config.layer === 1 || layer === config.layer - 1) && equalBytes(linkPin, peer.pin),
    );
    const isControlCenter = config.layer === 1 && equalBytes(directory.controlCenter.linkPin, peer.pin);
    if (isRelay || isControlCenter) {
      return 'relay';
    }
    const role = certifiedRole(
      peer.certificate,
      directory.linkAuthority,
      config.region,
      timers.clock.nowMilliseconds(),
    );
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
  type: FrameType,
  body: Uint8Array,
  services: LinkServices,
): void | Promise<void> {
  const { config, mailboxes } = services;
  if (type === FRAME.packet && link.role === 'meter') {
    return services.handler()?.acceptOfSlot(link, body, PACKETS_PER_SLOT);
  }
  if (type === FRAME.packet && link.role === 'relay') {
    if (config.layer === 1) {
      return services.handler()?.acceptOfSlot(link, body, MOST_LOOPS);
    }
    return services.handler()?.accept(link, body);
  }
  if (type === FRAME.mailboxOpen && link.role === 'hub') {
    mailboxes.open(mailboxIdOf(link.pin));
    return;
  }
  if (type === FRAME.mailboxDrain && link.role === 'hub' && body.length === 8) {
    const packets = mailboxes.drain(mailboxIdOf(link.pin), decodeDrain(body));
    if (packets !== undefined) {
      link.send(FRAME.mailboxPackets, encodeMailboxPackets(packets));
    }
    return;
  }
  link.cut();
}
