// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import { INDEX_FILE } from '../../../protocol/ledger/bulletin.js';
import { indexContains } from '../../../protocol/ledger/index-file.js';
import { checkInterval } from './check-interval.js';
import { withLateRows, type LoggedInterval } from '../state/interval-log.js';
import { withRows } from './own-rows.js';
import type { HubParts } from '../parts.js';
import type { RecentInterval } from '../parts.js';
import type { HubState, OpenHandle } from '../state/state.js';

/** A state in which late rows are counted, and the log's intervals with these rows, to be kept after it. */
export interface SettledHandles {
  readonly state: HubState;
  readonly completed: readonly LoggedInterval[];
}

/**
 * Settles the handles whose ledger is verified and that were not in it. A handle can come later than its row, when the
 * packets before it were lost, so the intervals before are searched once; what is in none of them was left out, and the
 * meter sends its energy again under another handle.
 *
 * @param startSeconds s of the interval verified last
 * @param recent the intervals before it
 */
export async function settleHandles(
  parts: HubParts,
  state: HubState,
  startSeconds: number,
  recent: readonly RecentInterval[],
): Promise<SettledHandles> {
  const due = state.open.filter(({ ledgerSeconds }) => ledgerSeconds <= startSeconds);
  const completed: LoggedInterval[] = [];
  let next = state;
  for (const interval of recent) {
    const found = await search(parts, next, interval, due);
    if (found === undefined) {
      continue;
    }
    next = found.state;
    completed.push(...found.completed);
  }
  const leftOut = next.open.filter((handle) => due.includes(handle));
  if (leftOut.length === 0) {
    return { state: next, completed };
  }
  const settled = {
    ...next,
    open: next.open.filter((handle) => !leftOut.includes(handle)),
    leftOutSeconds: startSeconds,
    sums: { ...next.sums, leftOut: next.sums.leftOut + leftOut.length },
  };
  return { state: settled, completed };
}

async function search(
  { crypto, intervals, region }: HubParts,
  state: HubState,
  { startSeconds, files, trust }: RecentInterval,
  handles: readonly OpenHandle[],
): Promise<SettledHandles | undefined> {
  const index = files.get(INDEX_FILE);
  if (index === undefined || !handles.some(({ pseudonym }) => indexContains(index, pseudonym))) {
    return undefined;
  }
  const logged = await intervals.get(startSeconds);
  const check = checkInterval(crypto, { region, startSeconds }, files, trust, handles, 'light');
  if (logged === undefined || 'faults' in check) {
    return undefined;
  }
  const completed = withLateRows(logged, check.own);
  const counted = withRows(state, completed.rows.slice(logged.rows.length));
  // Also a row that is counted already is no longer looked for: its handle was said again.
  const open = counted.open.filter(({ pseudonym }) => !check.own.some((row) => equalBytes(row.pseudonym, pseudonym)));
  return { state: { ...counted, open }, completed: [completed] };
}
