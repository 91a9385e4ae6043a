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

/** A packet on its way. */
interface Traveller {
  /** Its index on the level before. */
  readonly origin: number;
  readonly from: number;
  readonly to: number;
  readonly atMilliseconds: number;
}

/**
 * One slot: every meter's packet to the control center, with offset, path and delays drawn by the protocol's own
 * functions. Links take no time, which only helps the observer.
 */
export function simulateSlot({ meters, onion, relaysPerLayer }: TierSettings, random: RandomSource): ObservedSlot {
  const relay = (layer: number): number => (layer > onion.layers ? 0 : drawIndex(relaysPerLayer, random));
  let travellers = inOrder(
    Array.from({ length: meters }, (_, meter) => ({
      origin: -1,
      from: meter,
      to: relay(1),
      atMilliseconds: drawOffsetMilliseconds(random, onion.offsetWindowSeconds),
    })),
  );
  const levels = [levelOf(travellers)];
  const origins: Int32Array[] = [];
  for (let layer = 1; layer <= onion.layers; layer++) {
    travellers = inOrder(
      travellers.map(({ to, atMilliseconds }, origin) => ({
        origin,
        from: to,
        to: relay(layer + 1),
        atMilliseconds: atMilliseconds + drawDelay(onion, random),
      })),
    );
    levels.push(levelOf(travellers));
    origins.push(Int32Array.from(travellers, ({ origin }) => origin));
  }
  return { observation: { meters, levels }, origins };
}

function inOrder(travellers: Traveller[]): Traveller[] {
  return travellers.sort((a, b) => a.atMilliseconds - b.atMilliseconds);
}

function levelOf(travellers: readonly Traveller[]): Level {
  const times = Float64Array.from(travellers, ({ atMilliseconds }) => atMilliseconds);
  return {
    from: Int32Array.from(travellers, ({ from }) => from),
    to: Int32Array.from(travellers, ({ to }) => to),
    sent: times,
    arrived: times,
  };
}
