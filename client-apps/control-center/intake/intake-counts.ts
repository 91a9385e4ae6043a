// SPDX-License-Identifier: Apache-2.0
import type { ProtocolErrorCode } from '../../../protocol/errors.js';

/** Counts of packets since the last interval was frozen, by outcome. Sums over all meters, never of one. */
export interface IntakeCounts {
  /** Valid packets of registered meters for open intervals, without replays. */
  packets: number;
  /** Rows accepted. */
  rows: number;
  /** Rows accepted before: the meter's own repeats. */
  repeats: number;
  /** Packets of a meter and slot that arrived before. */
  replays: number;
  /** Packets that do not open under the onion key of an open epoch. */
  unreadable: number;
  /** Packets whose meter is not registered in their epoch. */
  unregistered: number;
  /** Packets whose MAC is not their meter's. */
  forged: number;
  /** Packets for an interval that is closed. */
  late: number;
  /** Packets for a slot that does not exist, is yet to come, or is of another epoch. */
  misplaced: number;
  /** Loops of the control center's own that were sent through the tier, and those that did not return. */
  loops: number;
  missingLoops: number;
  /** Rows refused, by reason; `K_RANGE` for a jump too far ahead or behind. */
  readonly refusedRows: Partial<Record<ProtocolErrorCode, number>>;
}

/** Counter of the intake, reset when an interval is frozen. */
export class IntakeCounter {
  counts = noCounts();

  /** The counts since the last call. */
  take(): IntakeCounts {
    const { counts } = this;
    this.counts = noCounts();
    return counts;
  }
}

function noCounts(): IntakeCounts {
  return {
    packets: 0,
    rows: 0,
    repeats: 0,
    replays: 0,
    unreadable: 0,
    unregistered: 0,
    forged: 0,
    late: 0,
    misplaced: 0,
    loops: 0,
    missingLoops: 0,
    refusedRows: {},
  };
}
