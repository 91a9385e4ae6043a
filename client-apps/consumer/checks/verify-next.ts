// SPDX-License-Identifier: Apache-2.0
import { ROWS_FILE } from '../../../protocol/ledger/bulletin.js';
import { epochOf } from '../../../protocol/schedule/epochs.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import type { Fault, IntervalFiles, IntervalSeals } from '../../../protocol/rules/verify-interval.js';
import { nextStart } from '../../../protocol/schedule/intervals.js';
import { checkInterval } from './check-interval.js';
import type { Dispute, Evidence } from '../state/disputes.js';
import type { LoggedInterval } from '../state/interval-log.js';
import { resolveHandles } from './late-rows.js';
import { withRows } from './own-rows.js';
import { ownPriceTag } from './own-price.js';
import type { HubParts } from '../parts.js';
import { consumersFor, isFullTurn, trustFor } from './trust.js';
import { recentIntervals } from './recent-intervals.js';
import type { HubState } from '../state/state.js';
import { compareTotals } from './totals.js';

/** Changes to write, the state first: otherwise rows would count as added after a crash. */
export interface VerifiedNext {
  readonly state: HubState;
  /** Earlier intervals of the log in which late rows were found. */
  readonly completed: readonly LoggedInterval[];
}

/** An interval that does not verify as it was read. */
export interface FaultyInterval {
  readonly faults: readonly Fault[];
  readonly seals: IntervalSeals | undefined;
  readonly files: IntervalFiles;
  readonly parameters: Parameters;
}

/**
 * Verifies the hub's next interval and logs it.
 *
 * @param parameters in force for the interval
 * @throws ClientError UNREACHABLE, VERIFICATION_FAILED when the relay directory is invalid
 */
export async function verifyNext(
  parts: HubParts,
  state: HubState,
  files: IntervalFiles,
  parameters: Parameters,
): Promise<VerifiedNext | FaultyInterval> {
  const { crypto, region } = parts;
  const { nextSeconds: startSeconds } = state;
  const recent = await recentIntervals(parts, startSeconds, parameters.intervalSeconds);
  const trust = await trustFor(parts, startSeconds, parameters, state.previousSeals);
  const depth = isFullTurn(parts, startSeconds, parameters) ? 'full' : 'light';
  const list = await consumersFor(parts.bulletin, startSeconds, parameters);
  const priceTag = list && ownPriceTag(crypto, parts.identity, list, { parameters, startSeconds });
  const options = { handles: state.open, depth, priceTag } as const;
  const check = checkInterval(crypto, { region, startSeconds }, { files, trust }, options);
  if ('faults' in check) {
    return { ...check, files, parameters };
  }

  const { own, interval, seals, hasPrice } = check;
  const priceNanoPerKilowattHour = interval.priceNanoPerKilowattHour!;
  await parts.intervals.put({ startSeconds, depth, priceNanoPerKilowattHour, rows: own });
  parts.recent.set(startSeconds, { startSeconds, files, trust });
  const { sums } = state;
  const verified: HubState = {
    ...advance(state, parameters, seals),
    sums: { ...sums, intervals: sums.intervals + 1, fullChecks: sums.fullChecks + (depth === 'full' ? 1 : 0) },
  };
  const { state: resolved, completed } = await resolveHandles(parts, withRows(verified, own), startSeconds, recent);
  const { state: compared, mismatch } = compareTotals(resolved, startSeconds, parameters.intervalSeconds);
  const next = hasPrice ? compared : await disputePrice(parts, compared, startSeconds);
  if (mismatch === undefined) {
    return { state: next, completed };
  }
  const message = `energy in rows: the meter reports ${mismatch.missingMilliWattHours} mWh more than were found`;
  const faults = [{ file: 'hub packets', code: 'METER_TOTALS', message }];
  return { state: await dispute(parts, next, { kind: 'meter', region, startSeconds, faults }), completed };
}

/**
 * Disputes an interval that no mirror gave without a fault. That is done only when the next slot finds faults again,
 * because the bulletin may have been read while it was written: the returned state still has the interval to verify.
 */
export async function disputeInterval(
  parts: HubParts,
  state: HubState,
  { faults, seals, files, parameters }: FaultyInterval,
): Promise<HubState> {
  const { region, bulletin } = parts;
  const { nextSeconds: startSeconds } = state;
  if (state.suspectSeconds !== startSeconds) {
    return { ...state, suspectSeconds: startSeconds };
  }
  const epoch = epochOf(parameters, startSeconds);
  const evidence = {
    parameters: (await bulletin.source.readParameters())!,
    epoch,
    directory: await bulletin.source.readDirectory(region, epoch),
    consumers: await bulletin.source.readConsumers(region, epoch),
    files,
  };
  return dispute(parts, advance(state, parameters, seals), { kind: 'ledger', region, startSeconds, faults }, evidence);
}

/** Disputes a missing price row: the household is on the list and has none. The price is known from the other rows. */
function disputePrice(parts: HubParts, state: HubState, startSeconds: number): Promise<HubState> {
  const fault = { file: ROWS_FILE.pricing, code: 'PRICE_MISSING', message: "no price row has the household's tag" };
  return dispute(parts, state, { kind: 'price', region: parts.region, startSeconds, faults: [fault] });
}

async function dispute(parts: HubParts, state: HubState, about: Dispute, evidence?: Evidence): Promise<HubState> {
  await parts.disputes.put(about, evidence);
  const codes = about.faults.map(({ code }) => code);
  parts.log.warn({ kind: about.kind, startSeconds: about.startSeconds, codes }, 'disputed');
  return { ...state, sums: { ...state.sums, disputes: state.sums.disputes + 1 } };
}

/** Advances to the next interval, which chains to the seals of this one, valid or not. */
function advance(state: HubState, parameters: Parameters, seals: IntervalSeals | undefined): HubState {
  return {
    ...state,
    nextSeconds: nextStart(parameters, state.nextSeconds),
    previousSeals: seals,
    suspectSeconds: undefined,
  };
}
