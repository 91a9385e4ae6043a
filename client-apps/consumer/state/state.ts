// SPDX-License-Identifier: Apache-2.0
import type { Handle } from '../../../protocol/onion/hub-payload.js';
import type { IntervalSeals } from '../../../protocol/rules/verify-interval.js';

/** A handle whose row has not been found yet. */
export interface OpenHandle extends Handle {
  /** s of the window in which it was first received: its row is for this ledger or an earlier one. */
  readonly ledgerSeconds: number;
}

/** The meter's last totals of a reporting window, in milliwatt hours since its enrolment. */
export interface WindowTotals {
  /** s of the window. */
  readonly ledgerSeconds: number;
  /** Start of the slot whose packet reported them. */
  readonly slotSeconds: number;
  readonly measured: bigint;
  readonly carried: bigint;
}

/** Running sums over all verified intervals. */
export interface HubSums {
  /** Intervals verified without a fault. */
  readonly intervals: number;
  /** Of these, the ones with a full check. */
  readonly fullChecks: number;
  /** The household's own rows, their energy and their bills. */
  readonly rows: number;
  readonly onLedgerMilliWattHours: bigint;
  readonly billedNanoCurrency: bigint;
  /** Handles without a published row (suppressed or lost); their energy comes again under other handles. */
  readonly unpublished: number;
  readonly disputes: number;
}

/** Persistent state of a hub, besides its secret and the interval log. Values are replaced, never changed in place. */
export interface HubState {
  /** Certificate of its link key, PEM. */
  readonly certificate: string;
  /** Fingerprint of the control center's first signature key, 32 bytes. */
  readonly trustAnchor: Uint8Array;
  /** s of the next interval to verify. */
  readonly nextSeconds: number;
  /** Seals of the previous interval, as claimed; undefined at the start of the chain that the hub follows. */
  readonly previousSeals: IntervalSeals | undefined;
  /** s of an interval with a fault that is disputed if it is found again. */
  readonly suspectSeconds: number | undefined;
  readonly open: readonly OpenHandle[];
  /** The handles last seen, found or not, to recognise repeated ones. */
  readonly seen: readonly Handle[];
  /** By window, ascending. */
  readonly totals: readonly WindowTotals[];
  /** Meter's energy in rows less the hub's sum at the last comparison; undefined before the first. */
  readonly offset: bigint | undefined;
  /** s of the newest interval with an unpublished handle. */
  readonly unpublishedSeconds: number | undefined;
  readonly sums: HubSums;
}

/** Sums of a hub that has verified nothing. */
export const NO_SUMS: HubSums = {
  intervals: 0,
  fullChecks: 0,
  rows: 0,
  onLedgerMilliWattHours: 0n,
  billedNanoCurrency: 0n,
  unpublished: 0,
  disputes: 0,
};
