// SPDX-License-Identifier: Apache-2.0
import { nextStart } from '../../../protocol/schedule/intervals.js';
import type { HubState } from '../state/state.js';

/** A difference between the meter's totals and the ledger. */
export interface TotalsMismatch {
  /** s of the interval after which they differ. */
  readonly startSeconds: number;
  /** Energy in the meter's rows less energy in the rows found, mWh. */
  readonly missingMilliWattHours: bigint;
}

/**
 * Compares the meter's totals with the rows found, after an interval was verified. Measured less carried is the energy
 * in the meter's rows; when no row is outstanding or unpublished, it is the sum of the rows on the ledger. A hub that
 * began after its meter finds a constant difference: the first comparison records it, later ones must agree.
 *
 * @param startSeconds s of the interval verified last
 */
export function compareTotals(
  state: HubState,
  startSeconds: number,
  intervalSeconds: number,
): { readonly state: HubState; readonly mismatch: TotalsMismatch | undefined } {
  const reported = state.totals.find(({ ledgerSeconds }) => ledgerSeconds === startSeconds);
  // The last one is kept for the household's summary.
  const totals = state.totals.filter(({ ledgerSeconds }) => ledgerSeconds >= startSeconds);
  const next = { ...state, totals };
  // The energy of unpublished rows returns to the meter's carry one or two windows later; until then sums differ.
  const pending =
    state.unpublishedSeconds !== undefined &&
    startSeconds < nextStart({ intervalSeconds }, state.unpublishedSeconds, 2);
  const open = state.open.some(({ ledgerSeconds }) => ledgerSeconds <= startSeconds);
  if (reported === undefined || pending || open) {
    return { state: next, mismatch: undefined };
  }
  const offset = reported.measured - reported.carried - state.sums.onLedgerMilliWattHours;
  const missingMilliWattHours = state.offset === undefined ? 0n : offset - state.offset;
  return {
    state: { ...next, offset },
    mismatch: missingMilliWattHours === 0n ? undefined : { startSeconds, missingMilliWattHours },
  };
}
