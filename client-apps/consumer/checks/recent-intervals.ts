// SPDX-License-Identifier: Apache-2.0
import { parametersFor } from '../../../protocol/schedule/versions.js';
import { previousStart } from '../../../protocol/schedule/intervals.js';
import { fetchInterval } from './check-interval.js';
import { LOOK_BACK_INTERVALS } from '../state/handles.js';
import type { HubParts, RecentInterval } from '../parts.js';
import { trustFor } from './trust.js';

/**
 * Returns the verified intervals in which a late handle can have its row, newest first. They are kept in memory and
 * read again after a restart whether a handle is missing or not: a hub's downloads must not show that rows of its
 * household were suppressed or came late.
 *
 * @param startSeconds s of the interval after them
 * @throws ClientError UNREACHABLE, BAD_ANSWER, VERIFICATION_FAILED
 */
export async function recentIntervals(
  parts: HubParts,
  startSeconds: number,
  intervalSeconds: number,
): Promise<RecentInterval[]> {
  const { recent } = parts;
  const oldest = previousStart({ intervalSeconds }, startSeconds, LOOK_BACK_INTERVALS);
  for (const kept of recent.keys()) {
    if (kept < oldest) {
      recent.delete(kept);
    }
  }
  const found: RecentInterval[] = [];
  for (let back = 1; back <= LOOK_BACK_INTERVALS; back++) {
    const start = previousStart({ intervalSeconds }, startSeconds, back);
    const interval = recent.get(start) ?? (await readAgain(parts, start));
    if (interval === undefined) {
      continue;
    }
    recent.set(start, interval);
    found.push(interval);
  }
  return found;
}

async function readAgain(parts: HubParts, startSeconds: number): Promise<RecentInterval | undefined> {
  const { bulletin, intervals, region } = parts;
  if ((await intervals.get(startSeconds)) === undefined) {
    return undefined;
  }
  const files = await fetchInterval(bulletin.source, region, startSeconds);
  if (files === undefined) {
    return undefined;
  }
  const trust = await trustFor(parts, startSeconds, parametersFor(bulletin.versions, startSeconds), undefined);
  return { startSeconds, files, trust };
}
