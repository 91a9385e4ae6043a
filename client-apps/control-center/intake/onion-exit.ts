// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../../../protocol/errors.js';
import { INNER_LENGTH } from '../../../protocol/onion/geometry.js';
import { encapsulatedKey, packetEpoch } from '../../../protocol/onion/packet.js';
import { FRAME } from '../../links/frames.js';
import type { LinkIdentity } from '../../links/link-identity.js';
import { listenLinks, type LinkListener } from '../../links/listen.js';
import type { ControlCenterConfig } from '../config.js';
import type { AdmittedRelay } from '../registration/relays.js';
import type { Center } from '../parts.js';
import type { Descriptors } from '../epochs/descriptors.js';
import type { Intake } from './intake.js';
import type { CenterLoops } from './loops.js';

/** Parts of the exit, and where it listens. */
export interface OnionExitParts {
  readonly address: Pick<ControlCenterConfig['links'], 'host' | 'port'>;
  readonly identity: LinkIdentity;
  readonly intake: Intake;
  readonly descriptors: Descriptors;
  /** The first epoch whose directory is not fixed yet. */
  readonly nextEpoch: () => number;
  readonly loops: Pick<CenterLoops, 'came'>;
}

/**
 * Accepts links of the admitted relays: descriptors from all of them, packets from those of the last layer. Nothing is
 * ever sent back.
 */
export function listenForRelays(
  { timers, log, versions }: Pick<Center, 'timers' | 'log' | 'versions'>,
  { address: { host, port }, identity, intake, descriptors, nextEpoch, loops }: OnionExitParts,
): Promise<LinkListener<AdmittedRelay>> {
  const lastLayer = (packet: Uint8Array): number => {
    const epoch = packetEpoch(packet);
    return (epoch === undefined ? versions.first : versions.ofEpoch(epoch)).onion.layers;
  };
  return listenLinks<AdmittedRelay>({
    identity,
    host,
    port,
    timers,
    admit: ({ pin }) => descriptors.relayOf(pin),
    onFrame: async ({ role: relay }, type, body) => {
      if (type === FRAME.packet && relay.layer === lastLayer(body) && body.length === INNER_LENGTH) {
        if (!loops.came(encapsulatedKey(body))) {
          await intake.receive(body);
        }
        return;
      }
      try {
        if (type !== FRAME.descriptor) {
          throw new ProtocolError(
            'PACKET_INVALID',
            `expected a descriptor or a packet of the last layer, got a frame of type ${type}`,
          );
        }
        await descriptors.accept(relay, body, nextEpoch());
      } catch (error) {
        if (!(error instanceof ProtocolError)) {
          throw error;
        }
        log.warn({ operator: relay.operator, reason: `${error.code}: ${error.message}` }, 'frame from a relay refused');
      }
    },
  });
}
