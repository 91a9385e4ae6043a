// SPDX-License-Identifier: Apache-2.0
import { indexContains } from '../../protocol/ledger/index-file.js';
import { parametersFor } from '../../protocol/ledger/parameters.js';
import { checkInterval, fetchInterval } from './check-interval.js';
import { LOOK_BACK_INTERVALS } from './handles.js';
import { withLateRows } from './interval-log.js';
import { withRows } from './own-rows.js';
import { trustFor, type HubParts } from './parts.js';
import type { HubState, OpenHandle } from './state.js';

/**
 * Settles the handles whose ledger is verified and that were not in it. A handle can come later than its row, when the
 * packets before it were lost, so the intervals before are searched once; what is in none of them was left out, and the
 * meter sends its energy again under another handle.
 *
 * @param startSeconds s of the interval verified last
 */
export async function settleHandles(
  parts: HubParts,
  state: HubState,
  startSeconds: number,
  intervalSeconds: number,
): Promise<HubState> {
  const due = state.open.filter(({ ledgerSeconds }) => ledgerSeconds <= startSeconds);
  if (due.length === 0) return state;
  let next = state;
  for (let back = 1; back <= LOOK_BACK_INTERVALS; back++) {
    next = await searchAgain(parts, next, startSeconds - back * intervalSeconds, due);
  }
  const leftOut = next.open.filter((handle) => due.includes(handle));
  if (leftOut.length === 0) return next;
  return {
    ...next,
    open: next.open.filter((handle) => !leftOut.includes(handle)),
    leftOutSeconds: startSeconds,
    sums: { ...next.sums, leftOut: next.sums.leftOut + leftOut.length },
  };
}

async function searchAgain(
  parts: HubParts,
  state: HubState,
  startSeconds: number,
  handles: readonly OpenHandle[],
): Promise<HubState> {
  const { bulletin, crypto, intervals, region } = parts;
  const logged = await intervals.get(startSeconds);
  const index = logged && (await bulletin.source.readFile(region, startSeconds, 'consumption.index'));
  // The index spares the large files; that nothing in it is withheld was checked when the interval was verified.
  if (index === undefined || !handles.some(({ pseudonym }) => indexContains(index, pseudonym))) return state;
  const files = await fetchInterval(bulletin.source, region, startSeconds);
  if (files === undefined) return state;
  const trust = await trustFor(parts, startSeconds, parametersFor(bulletin.versions, startSeconds), undefined);
  const check = checkInterval(crypto, { region, startSeconds }, files, trust, handles, 'light');
  if ('faults' in check) return state;
  const completed = withLateRows(logged!, check.own);
  await intervals.put(completed);
  return withRows(state, completed.rows.slice(logged!.rows.length));
}
