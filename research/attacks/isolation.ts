// SPDX-License-Identifier: Apache-2.0
import type { RandomSource } from '../../protocol/onion/packet.js';
import { drawIndex } from '../../protocol/onion/path.js';
import { holdingLaw } from '../anonymity/measure.js';
import { entropyBits } from '../anonymity/measurement.js';
import { trueSender, wayOf, type Corrupt, type Level, type ObservedSlot } from '../anonymity/observation.js';
import { Posterior } from '../anonymity/posterior.js';
import { simulateSlot, type TierSettings } from '../anonymity/simulated-tier.js';

/** Target packets per slot. */
const TARGETS_PER_SLOT = 10;

/** Anonymity of a packet when corrupt entry relays drop all others. */
export interface Isolation {
  readonly corruptEntryRelays: number;
  /** Mean sender entropy of the packet that was forwarded. */
  readonly meanEntropyBits: number;
  /** Mean number of meters whose packet is missing at the control center in that slot. */
  readonly missingMeters: number;
}

/**
 * Measures the n − 1 attack: corrupt entry relays drop every packet but one, to see where that one goes. Meters send
 * through all entry relays, and relays accept links of enrolled meters only, so an attacker can neither choose all
 * packets that a packet is mixed with nor inject others; only packets through corrupt relays can be dropped.
 */
export function isolationAttack(tier: TierSettings, slots: number, random: RandomSource): Isolation[] {
  const { onion, relaysPerLayer } = tier;
  const law = holdingLaw(onion);
  return Array.from({ length: relaysPerLayer + 1 }, (_, corruptEntryRelays) => {
    const corrupt: Corrupt = (layer, relay) => layer === 1 && relay < corruptEntryRelays;
    let bits = 0;
    let missing = 0;
    for (let slot = 0; slot < slots; slot++) {
      const whole = simulateSlot(tier, random);
      const entry = (packet: number): number => whole.observation.levels[1]!.from[wayOf(whole, packet)[1]!]!;
      for (let round = 0; round < TARGETS_PER_SLOT; round++) {
        let target = drawIndex(tier.meters, random);
        while (corruptEntryRelays > 0 && !corrupt(1, entry(target))) {
          target = (target + 1) % tier.meters;
        }
        const left = keepPackets(whole, (packet) => packet === target || !corrupt(1, entry(packet)));
        const packets = left.observation.levels[0]!.to.length;
        const sender = trueSender(whole, target);
        const isolated = Array.from({ length: packets }, (_unused, packet) => packet).find(
          (packet) => trueSender(left, packet) === sender,
        )!;
        bits += entropyBits(new Posterior(left, corrupt, law).senders(isolated)) / (slots * TARGETS_PER_SLOT);
        missing += (tier.meters - packets) / (slots * TARGETS_PER_SLOT);
      }
    }
    return { corruptEntryRelays, meanEntropyBits: bits, missingMeters: missing };
  });
}

/** Returns a slot with only some of its packets. @param keep selects packets by their index on the last level */
function keepPackets(slot: ObservedSlot, keep: (packet: number) => boolean): ObservedSlot {
  const { levels, meters } = slot.observation;
  const ways = levels[0]!.to.reduce<number[][]>(
    (kept, _, packet) => (keep(packet) ? [...kept, wayOf(slot, packet)] : kept),
    [],
  );
  const kept = levels.map((_, level) => Int32Array.from(ways, (way) => way[level]!).sort());
  const relays = (values: Int32Array, level: number): Int32Array =>
    Int32Array.from(kept[level]!, (index) => values[index]!);
  const times = (values: Float64Array, level: number): Float64Array =>
    Float64Array.from(kept[level]!, (index) => values[index]!);
  return {
    observation: {
      meters,
      levels: levels.map(({ from, to, sent, arrived }, level): Level => ({
        from: relays(from, level),
        to: relays(to, level),
        sent: times(sent, level),
        arrived: times(arrived, level),
      })),
    },
    origins: slot.origins.map((origins, layer) => {
      const positions = new Map(Array.from(kept[layer]!, (index, position) => [index, position]));
      return Int32Array.from(kept[layer + 1]!, (index) => positions.get(origins[index]!)!);
    }),
  };
}
