// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { MAXIMUM_K, PuncturedTree } from '../../protocol/crypto/ggm.js';
import { ratchetTo } from '../../protocol/identity/meter-identity.js';
import { pseudonymScheme } from '../../protocol/identity/pseudonym.js';
import { indexContains } from '../../protocol/ledger/index-file.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import { CATEGORY_COUNT } from '../../protocol/ledger/limits.js';
import { connectionMilliWattHours, type Parameters } from '../../protocol/ledger/parameters.js';
import { splitEnergy } from '../../protocol/energy/split.js';
import { HANDLE_PLACES } from '../../protocol/onion/geometry.js';
import type { Handle } from '../../protocol/onion/hub-payload.js';
import { ClientError } from '../runtime/errors.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import { nextStart } from '../../protocol/schedule/intervals.js';
import type { EnergyReader } from '../readings/energy-reader.js';
import { MAXIMUM_LEDGERS_IN_FLIGHT } from './state-codec.js';
import { inFlightMilliWattHours, type LedgerInFlight, type MeterState, type RowInFlight } from './state.js';

/** Category cap of a split without a cap. */
export const NO_CAP = CATEGORY_COUNT - 1;

/**
 * Reads the energy of all intervals up to and including `throughSeconds` into the carry. After an outage these are more
 * than one.
 *
 * @returns the same state when there is nothing new
 */
export async function measure(
  state: MeterState,
  intervalSeconds: number,
  throughSeconds: number,
  reader: EnergyReader,
): Promise<MeterState> {
  let { nextMeasureSeconds, measured, carried } = state;
  while (nextMeasureSeconds <= throughSeconds) {
    const energy = await reader.energyOf(nextMeasureSeconds);
    if (energy === undefined) {
      break;
    }
    measured += energy;
    carried += energy;
    nextMeasureSeconds = nextStart({ intervalSeconds }, nextMeasureSeconds);
  }
  return nextMeasureSeconds === state.nextMeasureSeconds
    ? state
    : balanced({ ...state, nextMeasureSeconds, measured, carried });
}

/**
 * Advances the keys to a later registry epoch: ratchets h_e, takes N_e from the tree, restarts k at 1. The older
 * epoch's keys are erased with the old state.
 *
 * @throws ProtocolError EPOCH_ERASED for an earlier epoch, such as when the clock was set back across an epoch's start
 */
export function enterEpoch(crypto: Crypto, state: MeterState, epoch: number): MeterState {
  if (epoch === state.keys.epoch) {
    return state;
  }
  const linkKey = ratchetTo(crypto, state.keys.linkKey, state.keys.epoch, epoch);
  const tree = PuncturedTree.fromBytes(crypto, state.tree);
  const epochNode = tree.epochNode(epoch);
  tree.puncture(epoch);
  return {
    ...state,
    tree: tree.toBytes(),
    keys: { epoch, linkKey, epochNode, nextK: 1, previous: state.identity },
  };
}

/** Tells whether the energy of a slot's ledger can be split: it is measured, not yet split, and there is room. */
export function canSplit(state: MeterState, slot: Slot): boolean {
  return (
    state.nextMeasureSeconds > slot.ledgerStartSeconds &&
    state.splitSeconds < slot.ledgerStartSeconds &&
    state.ledgers.length < MAXIMUM_LEDGERS_IN_FLIGHT
  );
}

/**
 * Splits the carry, which includes the interval's energy, into rows for the slot's ledger, and uses one k and pseudonym
 * for each. What is beyond the meter's connection limit waits for later windows. The new state must be on the disk before any of the rows is sent, so that no k is used twice.
 *
 * @param parameters in force for the slot's ledger
 */
export function split(crypto: Crypto, state: MeterState, parameters: Parameters, slot: Slot): MeterState {
  const { linkKey, epoch, nextK } = state.keys;
  const places = Math.min(slot.left * parameters.rowsPerPacket, MAXIMUM_K - nextK + 1);
  const categories = parameters.categoriesMilliWattHours;
  const limit = connectionMilliWattHours(parameters, state.connectionLimitWatts);
  const energy = state.carried < limit ? state.carried : limit;
  const { rows: parts, carry } = splitEnergy(energy, categories, places, state.capCategory);

  const scheme = pseudonymScheme(parameters.identityMode);
  const { identity, meterNumber } = state;
  let { previous } = state.keys;
  const rows = parts.map((category, index): RowInFlight => {
    const k = nextK + index;
    const source = { linkKey, identity, meterNumber, k, previous };
    const pseudonym = scheme.derive(crypto, source);
    previous = scheme.advance(crypto, linkKey, previous, 1);
    return { k, pseudonym, milliWattHours: categories[category]! };
  });

  const ledger: LedgerInFlight = { startSeconds: slot.ledgerStartSeconds, epoch, rows };
  return balanced({
    ...state,
    keys: { ...state.keys, nextK: nextK + rows.length, previous },
    carried: state.carried - energy + carry,
    ledgers: rows.length > 0 ? [...state.ledgers, ledger] : state.ledgers,
    splitSeconds: slot.ledgerStartSeconds,
    capCategory: NO_CAP,
    handles: lastHandles(state, state.splitSeconds),
  });
}

/**
 * Applies a sealed index: the energy of rows in it is acknowledged, that of unpublished rows returns to the carry. The
 * next split then stays below the smallest unpublished category, except that the smallest category is tried again.
 *
 * @param sealed the interval, the digest of its consumption seal, and its index as checked against that seal
 * @param parameters in force for that interval
 */
export function applySeal(
  state: MeterState,
  sealed: { readonly startSeconds: number; readonly digest: Uint8Array; readonly index: Uint8Array },
  parameters: Parameters,
): MeterState {
  let { acknowledged, carried, capCategory } = state;
  const ledger = state.ledgers.find(({ startSeconds }) => startSeconds === sealed.startSeconds);
  for (const { pseudonym, milliWattHours } of ledger?.rows ?? []) {
    if (indexContains(sealed.index, pseudonym)) {
      acknowledged += milliWattHours;
      continue;
    }
    carried += milliWattHours;
    const category = parameters.categoriesMilliWattHours.indexOf(milliWattHours);
    if (category > 0) {
      capCategory = Math.min(capCategory, category - 1);
    }
  }
  return balanced({
    ...state,
    acknowledged,
    carried,
    capCategory,
    ledgers: state.ledgers.filter((other) => other !== ledger),
    // The rows of a past window are dropped here, so its handles are kept for the hub.
    handles: sealed.startSeconds === state.splitSeconds ? lastHandles(state, sealed.startSeconds) : state.handles,
    nextSealSeconds: nextStart(parameters, sealed.startSeconds),
    previousSeal: sealed.digest,
  });
}

/** Returns the newest handles: those kept, then those of one ledger's rows. */
function lastHandles(state: MeterState, startSeconds: number): Handle[] {
  const ledger = state.ledgers.find((other) => other.startSeconds === startSeconds);
  const handles = (ledger?.rows ?? []).map(({ k, pseudonym }) => ({ epoch: ledger!.epoch, k, pseudonym }));
  return [...state.handles, ...handles].slice(-HANDLE_PLACES);
}

/** Checks the energy account of a new state. @throws ClientError STATE_CONFLICT */
function balanced(state: MeterState): MeterState {
  if (state.measured !== state.acknowledged + state.carried + inFlightMilliWattHours(state)) {
    throw new ClientError('STATE_CONFLICT', 'measured energy differs from acknowledged + carried + in flight');
  }
  return state;
}

/** Registry epoch of a slot's rows. */
export function slotEpoch(parameters: Parameters, slot: Slot): number {
  return epochOf(parameters, slot.ledgerStartSeconds);
}
