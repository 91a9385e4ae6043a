// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import { MAXIMUM_ROWS_PER_METER } from '../../../protocol/ledger/limits.js';
import { HANDLE_PLACES } from '../../../protocol/onion/geometry.js';
import type { HubPayload } from '../../../protocol/onion/hub-payload.js';
import { slotAt, type SlotTiming } from '../../../protocol/schedule/slots.js';
import type { HubState, WindowTotals } from './state.js';

/** Handles that may be open: two days of the most that a meter can send. Beyond that the oldest are given up. */
export const MAXIMUM_OPEN = 2_000;

/** Windows whose totals are kept until their interval is verified. */
export const MAXIMUM_WINDOWS = 96;

/** A handle may come this many windows late, when packets were lost; older packets are replays. */
export const LOOK_BACK_INTERVALS = 4;

/**
 * Handles that are remembered as seen: those of a packet that is just recent enough to be taken, and the most that can
 * have come since. Else a mailbox that gives out old packets again could have rows looked for that were found.
 */
export const MAXIMUM_SEEN = HANDLE_PLACES + (LOOK_BACK_INTERVALS + 2) * MAXIMUM_ROWS_PER_METER;

/**
 * Takes what the meter said in packets that were opened, in any order: handles that are new, and each window's last
 * totals.
 *
 * @param nowSeconds packets from later than this slot, or from long ago, are passed over
 * @returns the same state when nothing in them is new
 */
export function takePayloads(
  state: HubState,
  payloads: readonly HubPayload[],
  timing: SlotTiming,
  nowSeconds: number,
): HubState {
  const oldest = state.nextSeconds - LOOK_BACK_INTERVALS * timing.intervalSeconds;
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
