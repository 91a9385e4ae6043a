// SPDX-License-Identifier: Apache-2.0

/**
 * The packets for the control center on the links after a layer, in one slot. Level 0 is from the meters to the entry
 * layer, level ℓ from layer ℓ to layer ℓ + 1, the last one to the control center. A packet has a different index on
 * every level; the tier hides which of them belong together.
 */
export interface Level {
  /** Sender: the meter on level 0, otherwise the relay, from 0 in its layer. */
  readonly from: Int32Array;
  /** Receiver: the relay, from 0 in its layer; 0 for the control center. */
  readonly to: Int32Array;
  /** Departure, milliseconds since the start of the slot. */
  readonly sent: Float64Array;
  /** Arrival, milliseconds since the start of the slot. */
  readonly arrived: Float64Array;
}

/**
 * Observation of every link in one slot. Sizes are omitted, because they are equal on all links of a level. Packets for
 * hubs are omitted too: the observer is assumed to recognise them, which is more than a real one can. They count as no
 * cover, so the measurement is a lower bound.
 */
export interface Observation {
  readonly meters: number;
  /** One level more than layers, with equally many packets each. */
  readonly levels: readonly Level[];
}

/** A slot with the ground truth that only the relays know. */
export interface ObservedSlot {
  readonly observation: Observation;
  /**
   * For every level but 0, each packet's index on the previous level, which a corrupt relay reveals for its own
   * packets.
   */
  readonly origins: readonly Int32Array[];
}

/** Tells whether the observer controls a relay; layers count from 1, relays of a layer from 0. */
export type Corrupt = (layer: number, relay: number) => boolean;

/** The true path of a packet that arrived at the control center: its index on every level. */
export function wayOf({ origins }: ObservedSlot, packet: number): number[] {
  return origins.reduceRight<number[]>((way, origin) => [origin[way[0]!]!, ...way], [packet]);
}

/** The true sender of a packet that arrived at the control center. */
export function trueSender(slot: ObservedSlot, packet: number): number {
  return slot.observation.levels[0]!.from[wayOf(slot, packet)[0]!]!;
}
