// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../../protocol/errors.js';
import { parametersFor } from '../../protocol/schedule/versions.js';
import { openHubPacket, type HubPayload } from '../../protocol/onion/hub-payload.js';
import { ClientError } from '../runtime/errors.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import { fetchInterval } from './checks/check-interval.js';
import { mergePayloads } from './state/handles.js';
import type { HubParts } from './parts.js';
import type { HubState, HubSums } from './state/state.js';
import { verifyNext } from './checks/verify-next.js';

/** Maximum number of intervals verified in one slot; after a long outage the next slots continue. */
const MAXIMUM_VERIFIED_PER_SLOT = 20;

/** A household's hub: the work of a slot, independent of clock and links. */
export class Hub {
  readonly #parts: HubParts;
  #state: HubState;

  constructor(parts: HubParts, state: HubState) {
    this.#parts = parts;
    this.#state = state;
  }

  get sums(): HubSums {
    return this.#state.sums;
  }

  /**
   * Does a slot's work: merges the meter's packets, and verifies the intervals sealed since the last slot. Sources that
   * cannot be reached are tried again in the next slot.
   *
   * @param drain fetches the packets in the mailbox
   * @throws ClientError SEALED_INVALID; a failed write of the hub's own files
   */
  async slot(slot: Slot, drain: () => Promise<readonly Uint8Array[]>): Promise<void> {
    await this.#attempt('parameters', () => this.#parts.bulletin.refresh());
    if (this.#parts.bulletin.versions.length === 0) {
      return;
    }
    await this.#attempt('mailbox', async () => this.#merge(await drain(), slot));
    await this.#attempt('bulletin', () => this.#verify());
  }

  async #merge(packets: readonly Uint8Array[], slot: Slot): Promise<void> {
    const payloads = packets.flatMap((packet) => this.#open(packet) ?? []);
    const { parameters } = this.#parts.bulletin.versions.at(-1)!;
    await this.#keep(mergePayloads(this.#state, payloads, parameters, slot.startSeconds));
  }

  /** Opens a packet. A mailbox accepts packets from anyone; only those of the paired meter open. */
  #open(packet: Uint8Array): HubPayload | undefined {
    try {
      return openHubPacket(this.#parts.crypto, this.#parts.identity.keys, packet);
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
      this.#parts.log.warn({ code: error.code }, 'a packet in the mailbox is not from the meter');
      return undefined;
    }
  }

  async #verify(): Promise<void> {
    const { bulletin, intervals, region } = this.#parts;
    for (let verified = 0; verified < MAXIMUM_VERIFIED_PER_SLOT; verified++) {
      const { nextSeconds } = this.#state;
      const files = await fetchInterval(bulletin.source, region, nextSeconds);
      if (files === undefined) {
        return;
      }
      const parameters = parametersFor(bulletin.versions, nextSeconds);
      const { state, completed } = await verifyNext(this.#parts, this.#state, files, parameters);
      await this.#keep(state);
      for (const interval of completed) {
        await intervals.put(interval);
      }
      if (this.#state.nextSeconds === nextSeconds) {
        return;
      }
    }
  }

  async #keep(state: HubState): Promise<void> {
    if (state === this.#state) {
      return;
    }
    await this.#parts.write(state);
    this.#state = state;
  }

  async #attempt(what: string, task: () => Promise<unknown>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof ClientError) || error.code === 'SEALED_INVALID') {
        throw error;
      }
      this.#parts.log.warn({ code: error.code, reason: error.message }, `${what} unavailable in this slot`);
    }
  }
}
