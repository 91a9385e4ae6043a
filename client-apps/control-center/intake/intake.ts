// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { pseudonymScheme } from '../../../protocol/identity/pseudonym.js';
import { rowPseudonym } from '../../../protocol/ledger/row.js';
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
import type { StoreChange } from '../../runtime/sealed-store.js';
import type { Epochs } from '../epochs/epochs.js';
import type { GroupCommit } from './group-commit.js';
import type { IntakeState } from './intake-state.js';
import type { OpenInterval } from '../intervals/open-intervals.js';
import type { PseudonymChain } from './pseudonym-chain.js';
import type { EpochSecrets } from '../registration/roster.js';
import { storeKey } from '../store-keys.js';
import { encodeAcceptedPacket, type AcceptedRow } from './accepted-packet.js';

/**
 * Exit of the onion tier: opens packets, authenticates them, checks their rows by the same rules as the chaincode, and
 * journals the accepted ones. It never answers; a meter learns from the sealed index what arrived. A packet is handled
 * synchronously, so that the state cannot change between check and update.
 */
export class Intake {
  readonly #clock: Clock;
  readonly #epochs: Pick<Epochs, 'get'>;
  readonly #state: IntakeState;
  readonly #journal: GroupCommit;

  constructor(clock: Clock, epochs: Pick<Epochs, 'get'>, state: IntakeState, journal: GroupCommit) {
    this.#clock = clock;
    this.#epochs = epochs;
    this.#state = state;
    this.#journal = journal;
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
    for (const { k, row } of payload.rows) {
      const known = chain.taken(k);
      if (known !== undefined && equalBytes(known, rowPseudonym(row))) {
        counts.repeats++;
        continue;
      }
      try {
        taken.push(this.#checkRow(interval, { k, row }, chain, { meterNumber, ...secrets }));
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
  #checkRow(
    { context }: OpenInterval,
    { k, row }: PacketRow,
    chain: PseudonymChain,
    meter: EpochSecrets & { meterNumber: number },
  ): AcceptedRow {
    checkConsumptionRow(row, context);
    const scheme = pseudonymScheme(context.parameters.identityMode);
    const previous = chain.previous(scheme, meter.linkKey, k);
    if (previous === undefined) {
      throw new ProtocolError('K_RANGE', `message ${k} is at or before the base of its chain, or too far ahead`);
    }
    checkRowSecrets(sodiumCrypto, scheme, row, { ...meter, k, previous });
    chain.take(k, rowPseudonym(row).slice());
    return { meterNumber: meter.meterNumber, k, previous, row: row.slice() };
  }

  #refuse(reason: 'replays' | 'unreadable' | 'unregistered' | 'forged' | 'late' | 'misplaced'): undefined {
    this.#state.counter.counts[reason]++;
    return undefined;
  }
}
