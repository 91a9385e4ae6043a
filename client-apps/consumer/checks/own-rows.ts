// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import type { HubState } from '../state/state.js';

/** One of the household's rows with its bill. */
export interface OwnRow {
  /** A, 32 bytes. */
  readonly pseudonym: Uint8Array;
  readonly milliWattHours: bigint;
  readonly billNanoCurrency: bigint;
}

/** Returns the state with the household's rows of a verified interval added. */
export function withRows(state: HubState, own: readonly OwnRow[]): HubState {
  let { rows, onLedgerMilliWattHours, billedNanoCurrency } = state.sums;
  for (const { milliWattHours, billNanoCurrency } of own) {
    rows++;
    onLedgerMilliWattHours += milliWattHours;
    billedNanoCurrency += billNanoCurrency;
  }
  return {
    ...state,
    open: state.open.filter((handle) => !own.some(({ pseudonym }) => equalBytes(pseudonym, handle.pseudonym))),
    sums: { ...state.sums, rows, onLedgerMilliWattHours, billedNanoCurrency },
  };
}
