// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import { parametersAt } from '../../protocol/schedule/versions.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { relaysOfLayer } from '../../protocol/onion/directory.js';
import { ClientError } from '../runtime/errors.js';
import type { LinkTarget } from '../links/connect.js';
import { MailboxClient } from '../links/mailbox-client.js';
import type { PartyContext } from '../runtime/party.js';
import { Timers } from '../runtime/timers.js';
import { everySlot, type ReadingTimes } from '../runtime/slot-schedule.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import type { ConsumerConfig } from './config.js';
import type { OpenedHub } from './open-hub.js';
import type { HubSums } from './state/state.js';

/** Events of a running hub. */
export interface HubEvents {
  /** A slot's work is done. */
  readonly onSlot: (slot: Slot, sums: HubSums) => void;
  /** The hub must stop: its own files failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Runs an opened hub on the clock, at a time of its own in each slot, and on the link to its mailbox. */
export class HubDaemon {
  readonly #timers: Timers;
  readonly #stopSlots: () => void;
  #stopReading: () => void = () => undefined;
  #mailbox: { readonly relay: LinkTarget; readonly client: MailboxClient } | undefined;
  /** The work of a slot; a slot is left out while that of an earlier one is under way. */
  #underWay: Promise<void> | undefined;

  readonly #opened: OpenedHub;
  readonly #config: Pick<ConsumerConfig, 'addressOverrides' | 'mailboxRelay'>;
  readonly #context: PartyContext;
  readonly #events: HubEvents;

  constructor(
    opened: OpenedHub,
    config: Pick<ConsumerConfig, 'addressOverrides' | 'mailboxRelay'>,
    context: PartyContext,
    events: HubEvents & { readonly times: ReadingTimes },
  ) {
    this.#opened = opened;
    this.#config = config;
    this.#context = context;
    this.#events = events;

    this.#timers = new Timers(context);
    this.#stopSlots = everySlot(
      this.#timers,
      () => this.#parametersAt(context.clock.nowMilliseconds() / 1000),
      (slot) => {
        const at = events.times.at(slot, this.#parametersAt(slot.startSeconds), context.clock.nowMilliseconds());
        this.#stopReading = this.#timers.at('read', at, () => this.#slot(slot));
      },
    );
  }

  async stop(): Promise<void> {
    this.#stopSlots();
    this.#stopReading();
    await this.#underWay;
    await this.#mailbox?.client.close();
    this.#timers.stop();
  }

  #slot(slot: Slot): Promise<void> {
    const { hub } = this.#opened;
    if (this.#underWay !== undefined) {
      this.#context.log.warn('the work of an earlier slot is under way: nothing is read in this one');
      return this.#underWay;
    }
    this.#underWay = hub
      .slot(slot, () => this.#drain(slot))
      .then(() => this.#events.onSlot(slot, hub.sums))
      .catch(this.#events.onFailure)
      .finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  /** Fetches all packets of the mailbox. The link stays open between slots. */
  async #drain(slot: Slot): Promise<Uint8Array[]> {
    const relay = await this.#mailboxRelay(slot);
    if (relay === undefined) {
      throw new ClientError('UNREACHABLE', `mailbox relay ${this.#config.mailboxRelay} is not in the relay directory`);
    }
    const known = this.#mailbox;
    if (known === undefined || known.relay.address !== relay.address || !equalBytes(known.relay.pin, relay.pin)) {
      await known?.client.close();
      const { random } = this.#context;
      const { addressOverrides } = this.#config;
      const identity = this.#opened.link;
      const client = new MailboxClient(relay, { identity, timers: this.#timers, random, addressOverrides });
      this.#mailbox = { relay, client };
    }
    return this.#mailbox!.client.drain();
  }

  async #mailboxRelay(slot: Slot): Promise<LinkTarget | undefined> {
    const parameters = this.#parametersAt(slot.ledgerStartSeconds);
    const start = Math.max(slot.ledgerStartSeconds, parameters.effectiveFromSeconds);
    const directory = await this.#opened.bulletin.directory(epochOf(parameters, start));
    if (directory === undefined) {
      return undefined;
    }
    const found = relaysOfLayer(directory, directory.layers)
      .map((index) => directory.relays[index]!.descriptor)
      .find(({ address }) => address === this.#config.mailboxRelay);
    return found && { address: found.address, pin: found.linkPin };
  }

  #parametersAt(seconds: number): Parameters {
    const { versions } = this.#opened.bulletin;
    return parametersAt(versions, seconds);
  }
}
