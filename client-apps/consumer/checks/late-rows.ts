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

/** The state with late rows counted, and the log's intervals with these rows, to be written after the state. */
export interface ResolvedHandles {
  readonly state: HubState;
  readonly completed: readonly LoggedInterval[];
}

/**
 * Resolves the handles whose ledger is verified and does not contain them. A handle can arrive after its row, when
 * earlier packets were lost, so the recent intervals are searched once; a handle in none of them has no row (suppressed
 * or lost), and the meter sends its energy again under another handle.
 *
 * @param startSeconds s of the interval verified last
 * @param recent the intervals before it
 */
export async function resolveHandles(
  parts: HubParts,
  state: HubState,
  startSeconds: number,
  recent: readonly RecentInterval[],
): Promise<ResolvedHandles> {
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
  const missing = next.open.filter((handle) => due.includes(handle));
  if (missing.length === 0) {
    return { state: next, completed };
  }
  const resolved = {
    ...next,
    open: next.open.filter((handle) => !missing.includes(handle)),
    unpublishedSeconds: startSeconds,
    sums: { ...next.sums, unpublished: next.sums.unpublished + missing.length },
  };
  return { state: resolved, completed };
}

async function search(
  { crypto, intervals, region }: HubParts,
  state: HubState,
  { startSeconds, files, trust }: RecentInterval,
  handles: readonly OpenHandle[],
): Promise<ResolvedHandles | undefined> {
  const index = files.get(INDEX_FILE);
  if (index === undefined || !handles.some(({ pseudonym }) => indexContains(index, pseudonym))) {
    return undefined;
  }
  const logged = await intervals.get(startSeconds);
  const check = checkInterval(crypto, { region, startSeconds }, { files, trust }, { handles, depth: 'light' });
  if (logged === undefined || 'faults' in check) {
    return undefined;
  }
  const completed = withLateRows(logged, check.own);
  const counted = withRows(state, completed.rows.slice(logged.rows.length));
  // A row that was counted before is no longer looked for either: its handle was repeated.
  const open = counted.open.filter(({ pseudonym }) => !check.own.some((row) => equalBytes(row.pseudonym, pseudonym)));
  return { state: { ...counted, open }, completed: [completed] };
}
