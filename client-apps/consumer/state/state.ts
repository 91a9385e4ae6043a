// SPDX-License-Identifier: Apache-2.0
import type { Handle } from '../../../protocol/onion/hub-payload.js';
import type { IntervalSeals } from '../../../protocol/rules/verify-interval.js';

/** A handle whose row has not been found. */
export interface OpenHandle extends Handle {
  /** s of the window in which it was first received: its row is for this ledger or an earlier one. */
  readonly ledgerSeconds: number;
}

/** What the meter said last in one reporting window, in milliwatt hours since the meter's enrolment. */
export interface WindowTotals {
  /** s of the window. */
  readonly ledgerSeconds: number;
  /** Start of the slot in which it was said. */
  readonly slotSeconds: number;
  readonly measured: bigint;
  readonly carried: bigint;
}

/** Running sums over all verified intervals. */
export interface HubSums {
  /** Intervals verified without a fault. */
  readonly intervals: number;
  /** Of these, the ones in which every signature was checked. */
  readonly fullChecks: number;
  /** The household's own rows, their energy and their bills. */
  readonly rows: number;
  readonly onLedgerMilliWattHours: bigint;
  readonly billedNanoCurrency: bigint;
  /** Handles whose row was not published; its energy comes again under another handle. */
  readonly leftOut: number;
  readonly disputes: number;
}

/** What a hub must not forget, besides its secret and the verified intervals. Values are replaced, never changed. */
export interface HubState {
  /** Certificate of its link key, PEM. */
  readonly certificate: string;
  /** Fingerprint of the control center's first signature key, 32 bytes. */
  readonly trustAnchor: Uint8Array;
  /** s of the next interval to verify. */
  readonly nextSeconds: number;
  /** Seals of the interval before, as claimed; none at the start of the chain that the hub follows. */
  readonly previousSeals: IntervalSeals | undefined;
  /** An interval with a fault that is disputed when it is found again. */
  readonly suspectSeconds: number | undefined;
  readonly open: readonly OpenHandle[];
  /** The handles seen last, found or not, so that a repeated one is known. */
  readonly seen: readonly Handle[];
  /** By window, ascending. */
  readonly totals: readonly WindowTotals[];
  /** Meter's energy in rows less the hub's sum at the last comparison; undefined before the first. */
  readonly offset: bigint | undefined;
  /** s of the newest interval in which a handle was left out. */
  readonly leftOutSeconds: number | undefined;
  readonly sums: HubSums;
}

/** Sums of a hub that has verified nothing. */
export const NO_SUMS: HubSums = {
  intervals: 0,
  fullChecks: 0,
  rows: 0,
  onLedgerMilliWattHours: 0n,
  billedNanoCurrency: 0n,
  leftOut: 0,
  disputes: 0,
};
