// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { pseudonymScheme } from '../../../protocol/identity/pseudonym.js';
import { connectionMilliWattHours } from '../../../protocol/ledger/parameters.js';
import { rowPseudonym, rowValue } from '../../../protocol/ledger/row.js';
import {
  authenticateControlCenterPayload,
  openControlCenterPacket,
  type ControlCenterPayload,
  type OpenedControlCenterPayload,
  type PacketRow,
} from '../../../protocol/onion/control-center-payload.js';
import { packetEpoch } from '../../../protocol/onion/packet.js';
import { checkConsumptionRow, checkRowSecrets } from '../../../protocol/rules/check-row.js';
import type { Clock } from '../../runtime/clock.js';
import type { Log } from '../../runtime/log.js';
import type { StoreChange } from '../../runtime/sealed-store.js';
import type { Epochs } from '../epochs/epochs.js';
import type { GroupCommit } from './group-commit.js';
import type { IntakeState } from './intake-state.js';
import type { OpenInterval } from '../intervals/open-intervals.js';
import type { PseudonymChain } from './pseudonym-chain.js';
import type { EpochSecrets, Roster } from '../registration/roster.js';
import { storeKey } from '../store-keys.js';
import { encodeAcceptedPacket, type AcceptedRow } from './accepted-packet.js';

/** Parts of the control center that the intake uses. */
export interface IntakeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly epochs: Pick<Epochs, 'get'>;
  readonly state: IntakeState;
  readonly journal: GroupCommit;
  readonly roster: Pick<Roster, 'byNumber'>;
}

/**
 * Exit of the onion tier: opens packets, authenticates them, checks their rows by the same rules as the chaincode, and
 * journals the accepted ones. It never answers; a meter learns from the sealed index what arrived. A packet is handled
 * synchronously, so that the state cannot change between check and update.
 */
export class Intake {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #epochs: Pick<Epochs, 'get'>;
  readonly #state: IntakeState;
  readonly #journal: GroupCommit;
  readonly #roster: Pick<Roster, 'byNumber'>;

  constructor({ clock, log, epochs, state, journal, roster }: IntakeParts) {
    this.#clock = clock;
    this.#log = log;
    this.#epochs = epochs;
    this.#state = state;
    this.#journal = journal;
    this.#roster = roster;
  }

  /** Accepts an inner packet from a relay. Resolves when its rows are durable; refusals are only counted. */
  async receive(packet: Uint8Array): Promise<void> {
    const change = this.#take(packet);
    if (change !== undefined) {
      await this.#journal.add([change]);
    }
  }

  #take(packet: Uint8Array): StoreChange | undefined {
    const opened = this.#open(packet);
    if (opened === undefined) {
      return undefined;
    }
    const { payload } = opened;
    const secrets = this.#epochs.get(payload.epoch)?.secrets.get(payload.meterNumber);
    if (secrets === undefined) {
      this.#refuse('unregistered');
      return;
    }
    if (!authenticateControlCenterPayload(sodiumCrypto, opened, secrets.linkKey)) {
      this.#refuse('forged');
      return;
    }
    const interval = this.#state.intervals.ofSlot(payload.slotStartSeconds);
    if (interval === 'closed') {
      this.#refuse('late');
      return;
    }
    if (interval === undefined || !this.#isPlaced(interval, payload)) {
      this.#refuse('misplaced');
      return;
    }
    if (interval.hasSlot(payload.meterNumber, payload.slotStartSeconds)) {
      this.#refuse('replays');
      return;
    }

    this.#state.counter.counts.packets++;
    const rows = this.#takeRows(interval, payload, secrets);
    const taken = { meterNumber: payload.meterNumber, slotStartSeconds: payload.slotStartSeconds, rows };
    const key = storeKey.packet(interval.context.ledgerId.startSeconds, interval.packets);
    interval.take(taken);
    return { key, value: encodeAcceptedPacket(taken) };
  }

  #open(packet: Uint8Array): OpenedControlCenterPayload | undefined {
    const number = packetEpoch(packet);
    const epoch = number === undefined ? undefined : this.#epochs.get(number);
    if (epoch === undefined) {
      this.#refuse('unreadable');
      return;
    }
    try {
      return openControlCenterPacket(sodiumCrypto, epoch.onionKey, packet);
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
      this.#refuse('unreadable');
      return;
    }
  }

  #isPlaced(interval: OpenInterval, { epoch, slotStartSeconds }: ControlCenterPayload): boolean {
    const { registryEpoch, parameters } = interval.context;
    // A meter's clock may be ahead, but by less than a slot.
    const latestSeconds = this.#clock.nowMilliseconds() / 1000 + parameters.slotSeconds;
    return epoch === registryEpoch && interval.isSlot(slotStartSeconds) && slotStartSeconds < latestSeconds;
  }

  #takeRows(interval: OpenInterval, payload: ControlCenterPayload, secrets: EpochSecrets): AcceptedRow[] {
    const { meterNumber } = payload;
    const chain = this.#state.chains.of(payload.epoch, meterNumber, secrets.identity);
    const { counts } = this.#state.counter;
    const taken: AcceptedRow[] = [];
    const limit = this.#limitOf(interval, meterNumber);
    let energy = interval.energyOf(meterNumber);
    for (const { k, row } of payload.rows) {
      const known = chain.taken(k);
      if (known !== undefined && equalBytes(known, rowPseudonym(row))) {
        counts.repeats++;
        continue;
      }
      try {
        checkConsumptionRow(row, interval.context);
        if (energy + rowValue(row) > limit) {
          this.#alarm(interval, meterNumber);
          throw new ProtocolError('CONNECTION_LIMIT', `expected at most ${limit} mWh of a meter and window`);
        }
        taken.push(this.#checkSecrets(interval, { k, row }, chain, { meterNumber, ...secrets }));
        energy += rowValue(row);
      } catch (error) {
        if (!(error instanceof ProtocolError)) {
          throw error;
        }
        counts.refusedRows[error.code] = (counts.refusedRows[error.code] ?? 0) + 1;
      }
    }
    counts.rows += taken.length;
    return taken;
  }

  /** @throws ProtocolError K_RANGE and those of the row's rules */
  #checkSecrets(
    { context }: OpenInterval,
    { k, row }: PacketRow,
    chain: PseudonymChain,
    meter: EpochSecrets & { meterNumber: number },
  ): AcceptedRow {
    const scheme = pseudonymScheme(context.parameters.identityMode);
    const previous = chain.previous(scheme, meter.linkKey, k);
    if (previous === undefined) {
      throw new ProtocolError('K_RANGE', `message ${k} is at or before the base of its chain, or too far ahead`);
    }
    checkRowSecrets(sodiumCrypto, scheme, row, { ...meter, k, previous });
    chain.take(k, rowPseudonym(row).slice());
    return { meterNumber: meter.meterNumber, k, previous, row: row.slice() };
  }

  #limitOf({ context }: OpenInterval, meterNumber: number): bigint {
    return connectionMilliWattHours(context.parameters, this.#roster.byNumber(meterNumber)!.connectionLimitWatts);
  }

  /**
   * Tells the operator, once a window, of a meter that claims more than its connection carries. This log line names the
   * meter, because the operator has to inspect it; no count, report, ledger or bulletin does.
   */
  #alarm({ context, beyondLimit }: OpenInterval, meter: number): void {
    if (beyondLimit.has(meter)) {
      return;
    }
    beyondLimit.add(meter);
    const { startSeconds } = context.ledgerId;
    this.#log.warn({ meter, startSeconds }, 'a meter claims more than its connection carries: the excess is refused');
  }

  #refuse(reason: 'replays' | 'unreadable' | 'unregistered' | 'forged' | 'late' | 'misplaced'): undefined {
    this.#state.counter.counts[reason]++;
    return undefined;
  }
}
