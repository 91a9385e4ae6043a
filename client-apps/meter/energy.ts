// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { MAXIMUM_K, PuncturedTree } from '../../protocol/crypto/ggm.js';
import { ratchetTo } from '../../protocol/identity/meter-identity.js';
import { pseudonymScheme } from '../../protocol/identity/pseudonym.js';
import { indexContains } from '../../protocol/ledger/index-file.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import { CATEGORY_COUNT } from '../../protocol/ledger/limits.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { splitEnergy } from '../../protocol/energy/split.js';
import { HANDLE_PLACES } from '../../protocol/onion/geometry.js';
import type { Handle } from '../../protocol/onion/hub-payload.js';
import { ClientError } from '../runtime/errors.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import { nextStart } from '../../protocol/schedule/intervals.js';
import type { EnergyReader } from '../readings/energy-reader.js';
import { MAXIMUM_LEDGERS_IN_FLIGHT } from './state-codec.js';
import { inFlightMilliWattHours, type LedgerInFlight, type MeterState, type RowInFlight } from './state.js';

/** The cap of a split that is not capped. */
export const NO_CAP = CATEGORY_COUNT - 1;

/**
 * Takes from the reader what it has up to and with the interval `throughSeconds`, into the carry. After an outage this
 * is more than one interval.
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
 * Moves the keys to a later registry epoch: h_e goes through the ratchet, N_e leaves the tree, k starts again at 1.
 * What the older epoch's keys could tell is gone with the old state.
 *
 * @throws ProtocolError EPOCH_ERASED for an earlier epoch, as when the clock was set back over the border
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

/** Whether the energy of a slot's ledger can be split: it is all measured, not yet split, and there is room. */
export function canSplit(state: MeterState, slot: Slot): boolean {
  return (
    state.nextMeasureSeconds > slot.ledgerStartSeconds &&
    state.splitSeconds < slot.ledgerStartSeconds &&
    state.ledgers.length < MAXIMUM_LEDGERS_IN_FLIGHT
  );
}

/**
 * Splits what is carried (the interval's energy included) into rows for the slot's ledger, and spends a k and a
 * pseudonym on each. The new state must be on the disk before any of the rows is sent: that is what keeps a k from
 * being used twice.
 *
 * @param parameters in force for the slot's ledger
 */
export function split(crypto: Crypto, state: MeterState, parameters: Parameters, slot: Slot): MeterState {
  const { linkKey, epoch, nextK } = state.keys;
  const places = Math.min(slot.left * parameters.rowsPerPacket, MAXIMUM_K - nextK + 1);
  const categories = parameters.categoriesMilliWattHours;
  const { rows: parts, carry } = splitEnergy(state.carried, categories, places, state.capCategory);

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
    carried: carry,
    ledgers: rows.length > 0 ? [...state.ledgers, ledger] : state.ledgers,
    splitSeconds: slot.ledgerStartSeconds,
    capCategory: NO_CAP,
    handles: lastHandles(state, state.splitSeconds),
  });
}

/**
 * Settles a sealed ledger: a row in its index is on the ledger, a row that is not was left out, and its energy comes
 * back to the carry. The next split then keeps below the category that was too rare; the smallest is tried again.
 *
 * @param sealed the interval, the digest of its consumption seal, and its index as checked against that seal
 * @param parameters in force for that interval
 */
export function settle(
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
    // A window that is over loses its rows here, so its handles are kept for the hub.
    handles: sealed.startSeconds === state.splitSeconds ? lastHandles(state, sealed.startSeconds) : state.handles,
    nextSealSeconds: nextStart(parameters, sealed.startSeconds),
    previousSeal: sealed.digest,
  });
}

/** The newest handles: those kept, then those of the rows for one ledger. */
function lastHandles(state: MeterState, startSeconds: number): Handle[] {
  const ledger = state.ledgers.find((other) => other.startSeconds === startSeconds);
  const handles = (ledger?.rows ?? []).map(({ k, pseudonym }) => ({ epoch: ledger!.epoch, k, pseudonym }));
  return [...state.handles, ...handles].slice(-HANDLE_PLACES);
}

/** No state is kept in which energy appears or is lost. */
function balanced(state: MeterState): MeterState {
  if (state.measured !== state.acknowledged + state.carried + inFlightMilliWattHours(state)) {
    throw new ClientError('STATE_CONFLICT', 'the energy account does not balance');
  }
  return state;
}

/** Registry epoch of a slot: that of the rows it is for. */
export function slotEpoch(parameters: Parameters, slot: Slot): number {
  return epochOf(parameters, slot.ledgerStartSeconds);
}
