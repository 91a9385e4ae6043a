// SPDX-License-Identifier: Apache-2.0
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { drawDelay, drawIndex } from '../../protocol/onion/path.js';
import { drawOffsetMilliseconds } from '../../client-apps/runtime/slot-schedule.js';
import type { Level, ObservedSlot } from './observation.js';

/** A tier of relays and the meters that send through it. */
export interface TierSettings {
  readonly meters: number;
  readonly onion: OnionParameters;
  readonly relaysPerLayer: number;
}

/** A packet in transit. */
interface PacketInTransit {
  /** Its index on the previous level. */
  readonly origin: number;
  readonly from: number;
  readonly to: number;
  readonly atMilliseconds: number;
}

/**
 * Simulates one slot: every meter's packet to the control center, with offset, path and delays drawn by the protocol's
 * functions. Links have no latency, which only helps the observer.
 */
export function simulateSlot({ meters, onion, relaysPerLayer }: TierSettings, random: RandomSource): ObservedSlot {
  const relay = (layer: number): number => (layer > onion.layers ? 0 : drawIndex(relaysPerLayer, random));
  let packets = inOrder(
    Array.from({ length: meters }, (_, meter) => ({
      origin: -1,
      from: meter,
      to: relay(1),
      atMilliseconds: drawOffsetMilliseconds(random, onion.offsetWindowSeconds),
    })),
  );
  const levels = [levelOf(packets)];
  const origins: Int32Array[] = [];
  for (let layer = 1; layer <= onion.layers; layer++) {
    packets = inOrder(
      packets.map(({ to, atMilliseconds }, origin) => ({
        origin,
        from: to,
        to: relay(layer + 1),
        atMilliseconds: atMilliseconds + drawDelay(onion, random),
      })),
    );
    levels.push(levelOf(packets));
    origins.push(Int32Array.from(packets, ({ origin }) => origin));
  }
  return { observation: { meters, levels }, origins };
}

function inOrder(packets: PacketInTransit[]): PacketInTransit[] {
  return packets.sort((a, b) => a.atMilliseconds - b.atMilliseconds);
}

function levelOf(packets: readonly PacketInTransit[]): Level {
  const times = Float64Array.from(packets, ({ atMilliseconds }) => atMilliseconds);
  return {
    from: Int32Array.from(packets, ({ from }) => from),
    to: Int32Array.from(packets, ({ to }) => to),
    sent: times,
    arrived: times,
  };
}
