// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../../protocol/errors.js';
import { parametersFor } from '../../protocol/schedule/versions.js';
import { openHubPacket, type HubPayload } from '../../protocol/onion/hub-payload.js';
import { ClientError } from '../runtime/errors.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import { fetchInterval } from './checks/check-interval.js';
import { mergePayloads } from './state/handles.js';
import type { HubParts } from './parts.js';
import type { IntervalFiles } from '../../protocol/rules/verify-interval.js';
import type { HubState, HubSums } from './state/state.js';
import { disputeInterval, verifyNext, type FaultyInterval, type VerifiedNext } from './checks/verify-next.js';

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
   * cannot be reached are tried again in the next slot. What is read of the bulletin, and when, does not depend on
   * whether the mailbox answers.
   *
   * @param drain fetches the packets in the mailbox, in a bounded time
   * @throws ClientError SEALED_INVALID; a failed write of the hub's own files
   */
  async slot(slot: Slot, drain: () => Promise<readonly Uint8Array[]>): Promise<void> {
    const { bulletin } = this.#parts;
    const drained = this.#attempt('mailbox', drain);
    await this.#attempt('parameters', () => bulletin.refresh());
    const next = await this.#attempt('bulletin', () => this.#fetch(this.#state.nextSeconds));
    const packets = await drained;
    if (bulletin.versions.length === 0) {
      return;
    }
    if (packets !== undefined) {
      await this.#merge(packets, slot);
    }
    await this.#attempt('bulletin', () => this.#verify(next));
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

  /** @param first files of the next interval, fetched already */
  async #verify(first: IntervalFiles | undefined): Promise<void> {
    const { intervals } = this.#parts;
    let files = first;
    for (let verified = 0; files !== undefined && verified < MAXIMUM_VERIFIED_PER_SLOT; verified++) {
      const { nextSeconds } = this.#state;
      const { state, completed } = await this.#verifyFromAnyMirror(files, nextSeconds);
      await this.#keep(state);
      for (const interval of completed) {
        await intervals.put(interval);
      }
      if (this.#state.nextSeconds === nextSeconds) {
        return;
      }
      files = await this.#fetch(this.#state.nextSeconds);
    }
  }

  /** The files of an interval, all from one mirror. */
  #fetch(startSeconds: number): Promise<IntervalFiles | undefined> {
    const { bulletin, region } = this.#parts;
    return bulletin.source.fromOne((source) => fetchInterval(source, region, startSeconds));
  }

  /** A fault may be a mirror's: the control center's is one that all of them show. */
  async #verifyFromAnyMirror(first: IntervalFiles, startSeconds: number): Promise<VerifiedNext> {
    const { bulletin, log } = this.#parts;
    const parameters = parametersFor(bulletin.versions, startSeconds);
    let files: IntervalFiles | undefined = first;
    let faulty: FaultyInterval | undefined;
    for (let asked = 1; ; asked++) {
      const result: VerifiedNext | FaultyInterval | undefined =
        files && (await verifyNext(this.#parts, this.#state, files, parameters));
      if (result !== undefined && !('faults' in result)) {
        return result;
      }
      faulty = result ?? faulty;
      bulletin.source.next();
      if (asked >= bulletin.source.count) {
        return { state: await disputeInterval(this.#parts, this.#state, faulty!), completed: [] };
      }
      log.warn({ startSeconds }, 'an interval does not verify: it is read from another mirror');
      files = await this.#fetch(startSeconds);
    }
  }

  async #keep(state: HubState): Promise<void> {
    if (state === this.#state) {
      return;
    }
    await this.#parts.write(state);
    this.#state = state;
  }

  async #attempt<T>(what: string, task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof ClientError) || error.code === 'SEALED_INVALID') {
        throw error;
      }
      this.#parts.log.warn({ code: error.code, reason: error.message }, `${what} unavailable in this slot`);
      return undefined;
    }
  }
}
