// SPDX-License-Identifier: Apache-2.0

/**
 * The packets for the control center on the links behind a layer, in one slot. Level 0 leads from the meters to the entry
 * layer, level ℓ from layer ℓ to layer ℓ + 1, the last one to the control center. A packet has an index of its own on
 * every level; what the tier hides is which of them belong together.
 */
export interface Level {
  /** Who sent it: the meter on level 0, then the relay, from 0 in its layer. */
  readonly from: Int32Array;
  /** The relay it goes to, from 0 in its layer; 0 for the control center. */
  readonly to: Int32Array;
  /** When it left, milliseconds since the start of the slot. */
  readonly sent: Float64Array;
  /** When it came. */
  readonly arrived: Float64Array;
}

/**
 * What an observer of every link has of one slot. Sizes are not in it, being equal on all links of a level. Nor are the
 * packets for hubs: the observer knows which hub belongs to which meter, and is taken to tell of every packet whether it
 * is for a hub, which is more than he can. So they hide nothing here, and what is measured is the least that holds.
 */
export interface Observation {
  readonly meters: number;
  /** One more than there are layers, with equally many packets each. */
  readonly levels: readonly Level[];
}

/** A slot with what nobody but the relays knows. */
export interface ObservedSlot {
  readonly observation: Observation;
  /** For every level but 0, each packet's index on the level before: what a corrupt relay gives away of its own. */
  readonly origins: readonly Int32Array[];
}

/** Which relays work for the observer; layers count from 1, relays of a layer from 0. */
export type Corrupt = (layer: number, relay: number) => boolean;

/** The true way of a packet that came to the control center: its index on every level. */
export function wayOf({ origins }: ObservedSlot, packet: number): number[] {
  return origins.reduceRight<number[]>((way, origin) => [origin[way[0]!]!, ...way], [packet]);
}

/** Who sent a packet that came to the control center. */
export function trueSender(slot: ObservedSlot, packet: number): number {
  return slot.observation.levels[0]!.from[wayOf(slot, packet)[0]!]!;
}
