// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import { MAXIMUM_ROWS_PER_METER } from '../../../protocol/ledger/limits.js';
import { HANDLE_PLACES } from '../../../protocol/onion/geometry.js';
import type { HubPayload } from '../../../protocol/onion/hub-payload.js';
import { slotAt, type SlotTiming } from '../../../protocol/schedule/slots.js';
import { previousStart } from '../../../protocol/schedule/intervals.js';
import type { HubState, WindowTotals } from './state.js';

/** Maximum number of open handles: two days of the most that a meter can send. Beyond it the oldest are dropped. */
export const MAXIMUM_OPEN = 2_000;

/** Maximum number of windows whose totals are kept until their interval is verified. */
export const MAXIMUM_WINDOWS = 96;

/** Number of windows by which a handle may be late, when packets were lost; older packets are replays. */
export const LOOK_BACK_INTERVALS = 4;

/**
 * Number of handles remembered as seen: those of the oldest packet accepted, and the most that can have come since.
 * With fewer, a mailbox that delivers old packets again could make the hub look for rows that it has found.
 */
export const MAXIMUM_SEEN = HANDLE_PLACES + (LOOK_BACK_INTERVALS + 2) * MAXIMUM_ROWS_PER_METER;

/**
 * Merges the payloads of the meter's packets, in any order: new handles, and each window's last totals.
 *
 * @param nowSeconds start of the slot; payloads of later slots, or from too long ago, are ignored
 * @returns the same state when the payloads contain nothing new
 */
export function mergePayloads(
  state: HubState,
  payloads: readonly HubPayload[],
  timing: SlotTiming,
  nowSeconds: number,
): HubState {
  const oldest = previousStart(timing, state.nextSeconds, LOOK_BACK_INTERVALS);
  const open = [...state.open];
  const seen = [...state.seen];
  const totals = new Map(state.totals.map((total) => [total.ledgerSeconds, total]));
  let changed = false;
  for (const payload of [...payloads].sort((a, b) => a.slotStartSeconds - b.slotStartSeconds)) {
    const { slotStartSeconds } = payload;
    const { ledgerStartSeconds } = slotAt(timing, slotStartSeconds);
    if (slotStartSeconds > nowSeconds || ledgerStartSeconds < oldest) {
      continue;
    }
    for (const handle of payload.handles) {
      if ([...seen, ...open].some(({ pseudonym }) => equalBytes(pseudonym, handle.pseudonym))) {
        continue;
      }
      seen.push(handle);
      open.push({ ...handle, ledgerSeconds: ledgerStartSeconds });
      changed = true;
    }
    const known = totals.get(ledgerStartSeconds);
    if (known !== undefined && known.slotSeconds >= slotStartSeconds) {
      continue;
    }
    changed ||= known?.measured !== payload.measuredMilliWattHours || known.carried !== payload.carriedMilliWattHours;
    totals.set(ledgerStartSeconds, {
      ledgerSeconds: ledgerStartSeconds,
      slotSeconds: slotStartSeconds,
      measured: payload.measuredMilliWattHours,
      carried: payload.carriedMilliWattHours,
    });
  }
  if (!changed) {
    return state;
  }
  return {
    ...state,
    open: open.slice(-MAXIMUM_OPEN),
    seen: seen.slice(-MAXIMUM_SEEN),
    totals: [...totals.values()].sort(byLedger).slice(-MAXIMUM_WINDOWS),
  };
}

function byLedger(a: WindowTotals, b: WindowTotals): number {
  return a.ledgerSeconds - b.ledgerSeconds;
}
