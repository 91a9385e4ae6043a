// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../../../protocol/errors.js';
import { packetsToNextHop } from '../../../protocol/onion/directory-shares.js';
import { INNER_LENGTH } from '../../../protocol/onion/geometry.js';
import { encapsulatedKey, packetEpoch } from '../../../protocol/onion/packet.js';
import { FRAME, type FrameType } from '../../links/frames.js';
import type { LinkIdentity } from '../../links/link-identity.js';
import { listenLinks, type AcceptedLink, type LinkListener } from '../../links/listen.js';
import { Shares, type Excess, type Share } from '../../links/shares.js';
import type { ControlCenterConfig } from '../config.js';
import type { Center } from '../parts.js';
import type { Descriptors } from '../epochs/descriptors.js';
import type { Epoch } from '../epochs/epochs.js';
import type { AdmittedRelay } from '../registration/relays.js';
import type { Intake } from './intake.js';
import type { CenterLoops } from './loops.js';

/** Descriptors of one relay in a slot: those of nine epochs, at each of 50 new links. */
const DESCRIPTORS_PER_SLOT = 450;
const OF_DESCRIPTORS: Share = { perSlot: DESCRIPTORS_PER_SLOT, burst: DESCRIPTORS_PER_SLOT };

/** Parts of the control center that the relays' frames go to. */
export interface OnionExitParts {
  readonly center: Center;
  readonly config: Pick<ControlCenterConfig, 'links'>;
  readonly identity: LinkIdentity;
  readonly intake: Pick<Intake, 'receive'>;
  readonly descriptors: Descriptors;
  /** The first epoch whose directory is not made. */
  readonly nextEpoch: () => number;
  readonly loops: Pick<CenterLoops, 'came'>;
}

/**
 * Accepts links of the admitted relays: descriptors from all of them, packets from those of the last layer. Nothing is
 * ever sent back.
 */
export function listenForRelays(parts: OnionExitParts): Promise<LinkListener<AdmittedRelay>> {
  const { config, identity, descriptors } = parts;
  const { host, port } = config.links;
  const { timers } = parts.center;
  const exit = new OnionExit(parts);
  return listenLinks<AdmittedRelay>({
    identity,
    host,
    port,
    timers,
    admit: ({ pin }) => descriptors.relayOf(pin),
    onFrame: (link, type, body) => exit.take(link, type, body),
  });
}

/** Takes the relays' frames, of each relay its share. */
class OnionExit {
  readonly #parts: OnionExitParts;
  readonly #packets: Shares;
  readonly #descriptors: Shares;
  readonly #packetsOfRelay = new WeakMap<Epoch, number>();

  constructor(parts: OnionExitParts) {
    this.#parts = parts;
    const { clock, versions } = parts.center;
    const timing = () => versions.at(clock.nowMilliseconds() / 1000);
    const onExcess = (excess: Excess): void => this.#logExcess(excess);
    this.#packets = new Shares(clock, timing, onExcess);
    this.#descriptors = new Shares(clock, timing, onExcess);
  }

  async take(link: AcceptedLink<AdmittedRelay>, type: FrameType, body: Uint8Array): Promise<void> {
    const { intake, loops } = this.#parts;
    if (type === FRAME.descriptor) {
      await this.#takeDescriptor(link, body);
    } else if (type !== FRAME.packet || body.length !== INNER_LENGTH || !this.#isOfLastLayer(link.role)) {
      this.#refuse(link, 'expected a descriptor or a packet of the last layer', this.#packets);
    } else if (
      this.#packets.allows(link, this.#shareOfPackets()) &&
      // The packet's first sender chose its epoch: another than its relay is in the last layer of is not the relay's fault.
      link.role.layer === this.#lastLayer(body) &&
      !loops.came(encapsulatedKey(body))
    ) {
      await intake.receive(body);
    }
  }

  async #takeDescriptor(link: AcceptedLink<AdmittedRelay>, body: Uint8Array): Promise<void> {
    if (!this.#descriptors.allows(link, OF_DESCRIPTORS)) {
      return;
    }
    const { descriptors, nextEpoch } = this.#parts;
    try {
      await descriptors.accept(link.role, body, nextEpoch());
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
      this.#refuse(link, `${error.code}: ${error.message}`, this.#descriptors);
    }
  }

  /** Logs the first frame that a relay should not have sent in a slot; the others are counted. */
  #refuse(link: AcceptedLink<AdmittedRelay>, reason: string, shares: Shares): void {
    if (shares.fault(link) === 1) {
      const { operator, layer } = link.role;
      this.#parts.center.log.warn({ operator, layer, reason }, 'frame from a relay refused');
    }
  }

  #logExcess({ pin, over, faults, refused }: Excess): void {
    const { center, descriptors } = this.#parts;
    // The first fault of a slot is logged when it comes.
    if (over === 0 && faults === 1) {
      return;
    }
    const relay = descriptors.relayOf(pin);
    center.log.warn(
      { operator: relay?.operator, layer: relay?.layer, over, faults, refused },
      'a relay sent more than its share, or frames that are not valid: they were dropped',
    );
  }

  #isOfLastLayer({ layer }: AdmittedRelay): boolean {
    return this.#parts.center.epochs.all().some(({ directory }) => directory.directory.layers === layer);
  }

  /** The last layer of the epoch that a packet names. */
  #lastLayer(packet: Uint8Array): number {
    const { versions } = this.#parts.center;
    const epoch = packetEpoch(packet);
    return (epoch === undefined ? versions.first : versions.ofEpoch(epoch)).onion.layers;
  }

  /** Most packets that a relay of the last layer passes on; its slots are not the control center's. */
  #shareOfPackets(): Share {
    const perSlot = Math.max(1, ...this.#parts.center.epochs.all().map((epoch) => this.#packetsOf(epoch)));
    return { perSlot, burst: 2 * perSlot };
  }

  /** Computed once for each epoch: it is asked with every packet. */
  #packetsOf(epoch: Epoch): number {
    const { directory } = epoch.directory;
    const known = this.#packetsOfRelay.get(epoch);
    const { registryDepth } = this.#parts.center.versions.ofEpoch(epoch.number);
    const packets = known ?? packetsToNextHop(directory, registryDepth, directory.layers + 1);
    this.#packetsOfRelay.set(epoch, packets);
    return packets;
  }
}
