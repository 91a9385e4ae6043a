// SPDX-License-Identifier: Apache-2.0
import type { HubState } from '../state/state.js';

/** The meter's figures and the ledger disagree. */
export interface TotalsMismatch {
  /** s of the interval after which they disagree. */
  readonly startSeconds: number;
  /** Energy that the meter put into rows and the hub did not find, less what it found too much, mWh. */
  readonly missingMilliWattHours: bigint;
}

/**
 * Compares the meter's totals with the rows found, after an interval was verified. Measured less carried is the energy
 * that the meter has in rows; when none of them is still to come and none was left out, it is the sum of the rows on the
 * ledger. A hub that began after its meter finds a constant more: the first comparison fixes it, later ones must agree.
 *
 * @param startSeconds s of the interval verified last
 */
export function compareTotals(
  state: HubState,
  startSeconds: number,
  intervalSeconds: number,
): { readonly state: HubState; readonly mismatch: TotalsMismatch | undefined } {
  const said = state.totals.find(({ ledgerSeconds }) => ledgerSeconds === startSeconds);
  // The last one stays, for the household to read.
  const totals = state.totals.filter(({ ledgerSeconds }) => ledgerSeconds >= startSeconds);
  const next = { ...state, totals };
  // What was left out comes back to the meter's carry one or two windows later; until then the sums cannot agree.
  const settling = state.leftOutSeconds !== undefined && startSeconds - state.leftOutSeconds < 2 * intervalSeconds;
  const open = state.open.some(({ ledgerSeconds }) => ledgerSeconds <= startSeconds);
  if (said === undefined || settling || open) {
    return { state: next, mismatch: undefined };
  }
  const offset = said.measured - said.carried - state.sums.onLedgerMilliWattHours;
  const missingMilliWattHours = state.offset === undefined ? 0n : offset - state.offset;
  return {
    state: { ...next, offset },
    mismatch: missingMilliWattHours === 0n ? undefined : { startSeconds, missingMilliWattHours },
  };
}
