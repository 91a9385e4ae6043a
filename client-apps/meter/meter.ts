// SPDX-License-Identifier: Apache-2.0
import { equalBytes, wipe } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { nearestEpoch } from '../../protocol/schedule/epochs.js';
import { parametersAt } from '../../protocol/schedule/versions.js';
import { HANDLE_PLACES } from '../../protocol/onion/geometry.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { ClientError } from '../runtime/errors.js';
import type { LinkTarget } from '../links/connect.js';
import { entryRelays } from '../links/entry-relays.js';
import type { Log } from '../runtime/log.js';
import { Turns } from '../runtime/turns.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import type { TrustedBulletin } from '../bulletin/trusted-bulletin.js';
import { applySeal, canSplit, enterEpoch, measure, slotEpoch, split } from './energy.js';
import type { EnergyReader } from '../readings/energy-reader.js';
import {
  controlCenterPacket,
  hubPacket,
  type HubRoute,
  type OutgoingPacket,
  type PacketContext,
} from './slot-packets.js';
import { inFlightMilliWattHours, type MeterState } from './state.js';
import type { MeterStore } from './store.js';
import { signRows, WindowRows } from './window-rows.js';

/** Maximum number of seals applied in one slot; after a long outage the next slots continue. */
const MAXIMUM_SEALS_PER_SLOT = 50;

/** Dependencies of a meter. */
export interface MeterParts {
  readonly crypto: Crypto;
  readonly random: RandomSource;
  readonly reader: EnergyReader;
  readonly store: MeterStore;
  readonly bulletin: TrustedBulletin;
  readonly hub: HubRoute;
  readonly log: Log;
}

/** The two packets of a slot: always both or neither, whatever was consumed. */
export interface SlotPackets {
  readonly controlCenter: OutgoingPacket;
  readonly hub: OutgoingPacket;
  /** All entry relays of this epoch: links to them are opened before one is drawn. */
  readonly entryRelays: readonly LinkTarget[];
}

/** A meter's figures, in milliwatt hours. */
export interface MeterBalance {
  readonly measured: bigint;
  readonly carried: bigint;
  readonly inFlight: bigint;
}

/** An enrolled meter: the work of a slot, independent of clock and links. */
export class Meter {
  #window: WindowRows | undefined;
  /** Whether the bulletin was read since the last slot. */
  #isCurrent = false;
  /** Changes of the state: reading and slots run beside each other, their changes one after the other. */
  readonly #changes = new Turns();

  readonly #parts: MeterParts;
  #state: MeterState;

  constructor(parts: MeterParts, state: MeterState) {
    this.#parts = parts;
    this.#state = state;
  }

  get balance(): MeterBalance {
    const { measured, carried } = this.#state;
    return { measured, carried, inFlight: inFlightMilliWattHours(this.#state) };
  }

  /**
   * Reads the bulletin before a slot: the parameters, the seals of new intervals, which it applies, and the directories.
   * A bulletin that cannot be read or verified does not change the account; the meter continues with what it has.
   *
   * @throws ClientError STATE_CONFLICT; a failed write of the store
   */
  async read(next: Slot): Promise<void> {
    const { bulletin } = this.#parts;
    this.#isCurrent = (await this.#attempt('bulletin', () => this.#synchronise())) === true;
    if (!this.#isCurrent) {
      return;
    }
    const epoch = nearestEpoch(parametersAt(bulletin.versions, next.ledgerStartSeconds), next.ledgerStartSeconds);
    await this.#attempt('directory', () => bulletin.directory(epoch));
    // Cached as soon as it is published, so that the bulletin may be unreachable when its epoch begins.
    await this.#attempt('next directory', () => bulletin.directory(epoch + 1));
  }

  /**
   * Does a slot's work: splits at the start of a window, and makes the slot's packets.
   *
   * @returns undefined when it cannot send: not yet registered, or it has no directory of the epoch that works
   * @throws ClientError STATE_CONFLICT; a failed write of the store
   */
  async slot(slot: Slot): Promise<SlotPackets | undefined> {
    const { bulletin } = this.#parts;
    const isCurrent = this.#isCurrent;
    this.#isCurrent = false;
    if (bulletin.versions.length === 0) {
      return undefined;
    }
    const parameters = parametersAt(bulletin.versions, slot.ledgerStartSeconds);
    if (slot.ledgerStartSeconds < parameters.effectiveFromSeconds) {
      return undefined;
    }
    const epoch = slotEpoch(parameters, slot);
    if (epoch < this.#state.keys.epoch) {
      return undefined;
    }

    // The ratchet is irreversible: it needs a signed directory of the epoch, because the clock may be wrong.
    const directory = await this.#attempt('directory', () => bulletin.directory(epoch));
    if (directory === undefined) {
      return undefined;
    }
    return this.#changes.take(async () => {
      await this.#enterWindow(slot, parameters, epoch, isCurrent);
      const { crypto, random } = this.#parts;
      try {
        return this.#packets(slot, parameters, { crypto, random, directory, onion: parameters.onion });
      } catch (error) {
        // They are made from what relays and the control center announced.
        this.#parts.log.error({ err: error }, 'no packets in this slot: they cannot be made for this directory');
        return undefined;
      }
    });
  }

  /** Reads the parameters and applies the seals of all new intervals. */
  async #synchronise(): Promise<true> {
    const { bulletin } = this.#parts;
    await bulletin.refresh();
    for (let applied = 0; applied < MAXIMUM_SEALS_PER_SLOT; applied++) {
      const { nextSealSeconds, previousSeal } = this.#state;
      const known = equalBytes(previousSeal, NO_DIGEST) ? undefined : previousSeal;
      const sealed = await bulletin.sealedIndex(nextSealSeconds, known);
      if (sealed === undefined) {
        break;
      }
      await this.#changes.take(() => this.#keep(applySeal(this.#state, sealed, sealed.parameters)));
    }
    return true;
  }

  /** Measures, ratchets and splits, and writes the result in one step before any of its rows is sent. */
  async #enterWindow(slot: Slot, parameters: Parameters, epoch: number, isCurrent: boolean): Promise<void> {
    const { crypto, reader } = this.#parts;
    let next = enterEpoch(crypto, this.#state, epoch);
    next = await measure(next, parameters.intervalSeconds, slot.ledgerStartSeconds, reader);
    // Without the bulletin the parameters may be outdated, and rows made under them would be refused.
    if (isCurrent && canSplit(next, slot)) {
      next = split(crypto, next, parameters, slot);
    }
    await this.#keep(next);
    if (this.#window?.ledger.startSeconds === slot.ledgerStartSeconds) {
      return;
    }
    const ledger = this.#state.ledgers.find(({ startSeconds }) => startSeconds === slot.ledgerStartSeconds);
    this.#window = ledger && new WindowRows(ledger, signRows(crypto, this.#state.keys, parameters, ledger));
  }

  #packets(slot: Slot, parameters: Parameters, context: PacketContext): SlotPackets {
    const { meterNumber, keys, measured, carried, handles } = this.#state;
    const { startSeconds: slotStartSeconds } = slot;
    const rows = this.#window?.next(parameters.rowsPerPacket) ?? [];
    const payload = { meterNumber, epoch: keys.epoch, slotStartSeconds, rows };
    return {
      entryRelays: entryRelays(context.directory),
      controlCenter: controlCenterPacket(context, payload, keys.linkKey),
      hub: hubPacket(context, this.#parts.hub, {
        slotStartSeconds,
        measuredMilliWattHours: measured,
        carriedMilliWattHours: carried,
        handles: [...handles, ...(this.#window?.handles() ?? [])].slice(-HANDLE_PLACES),
      }),
    };
  }

  /** Writes a state, then replaces the current one and wipes the old keys. */
  async #keep(state: MeterState): Promise<void> {
    if (state === this.#state) {
      return;
    }
    await this.#parts.store.write({ state });
    const { keys, tree } = this.#state;
    this.#state = state;
    if (keys.epoch === state.keys.epoch) {
      return;
    }
    for (const secret of [keys.linkKey, keys.epochNode, tree]) {
      wipe(secret);
    }
  }

  /** Tolerates failures of external sources, which the next slot reads again, but not those of the account. */
  async #attempt<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ClientError) || error.code === 'STATE_CONFLICT') {
        throw error;
      }
      this.#parts.log.warn({ code: error.code, reason: error.message }, `${what} unavailable in this slot`);
      return undefined;
    }
  }
}
