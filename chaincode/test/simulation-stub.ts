// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Any X.509 certificate: the shim reads one from every caller. */
const CERTIFICATE = readFileSync(join(__dirname, '..', '..', '..', 'chaincode', 'test', 'caller.pem'));

/** What a simulation reads of its ledger. */
export interface SimulatedLedger {
  /** The peer's own organisation, null for a process that was not told. */
  readonly mspId: string | null;
  channel(name: string): { readonly state: ReadonlyMap<string, Value>; keys(start: string, end: string): string[] };
  simulate(channel: string, proposal: Proposal): Promise<Simulation>;
}

/** The parts of `ChaincodeStub` that a contract may use. */
export class SimulationStub {
  readonly reads = new Map<string, number>();
  readonly ranges: RangeRead[] = [];
  readonly writes = new Map<string, Uint8Array>();
  readonly events: { name: string; payload: Uint8Array }[] = [];
  readonly #transient: Map<string, Buffer>;
  #paginated = false;

  readonly #ledger: SimulatedLedger;
  readonly #channelName: string;
  readonly #proposal: Proposal;
  readonly #txId: string;

  constructor(ledger: SimulatedLedger, channelName: string, proposal: Proposal, txId: string) {
    this.#ledger = ledger;
    this.#channelName = channelName;
    this.#proposal = proposal;
    this.#txId = txId;

    // The shim hands out the same buffers to everyone who asks; they are copies of the caller's.
    this.#transient = new Map(
      Object.entries(proposal.transient ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes)]),
    );
  }

  getBufferArgs(): Buffer[] {
    return [this.#proposal.transaction, ...this.#proposal.args].map((arg) => Buffer.from(arg));
  }

  getTxID(): string {
    return this.#txId;
  }

  getChannelID(): string {
    return this.#channelName;
  }

  getCreator(): { mspid: string; idBytes: Uint8Array } {
    return { mspid: this.#proposal.mspId, idBytes: CERTIFICATE };
  }

  getMspID(): string {
    if (this.#ledger.mspId === null) {
      throw new Error('CORE_PEER_LOCALMSPID is unset in chaincode process');
    }
    return this.#ledger.mspId;
  }

  getTransient(): Map<string, Buffer> {
    return this.#transient;
  }

  async getState(key: string): Promise<Buffer> {
    await Promise.resolve();
    const value = this.#ledger.channel(this.#channelName).state.get(key);
    this.reads.set(key, value?.version ?? 0);
    return Buffer.from(value?.bytes ?? []);
  }

  async putState(key: string, value: Uint8Array): Promise<void> {
    await Promise.resolve();
    if (key === '') {
      throw new Error('an empty key is not supported');
    }
    if (this.#paginated) {
      throw new Error('a paginated query was performed: only read-only transactions may use one');
    }
    this.writes.set(key, Uint8Array.from(value));
  }

  deleteState(key: string): Promise<void> {
    return this.putState(key, new Uint8Array());
  }

  async getStateByRange(start: string, end: string): Promise<RangeIterator> {
    await Promise.resolve();
    const channel = this.#ledger.channel(this.#channelName);
    const keys = channel.keys(start, end);
    const range: RangeRead = { start, end: start, found: [] };
    this.ranges.push(range);
    return new RangeIterator(keys, channel.state, (key) => {
      // A committing peer repeats the range as far as it was read.
      if (key === undefined) {
        range.end = end;
      } else {
        range.found.push({ key, version: channel.state.get(key)!.version });
        range.end = `${key}\0`;
      }
    });
  }

  async getStateByRangeWithPagination(
    start: string,
    end: string,
    pageSize: number,
    bookmark = '',
  ): Promise<{ iterator: RangeIterator; metadata: { fetchedRecordsCount: number; bookmark: string } }> {
    await Promise.resolve();
    if (this.writes.size > 0) {
      throw new Error('a paginated query after a write is not supported');
    }
    this.#paginated = true;
    const channel = this.#ledger.channel(this.#channelName);
    const keys = channel.keys(bookmark === '' ? start : bookmark, end);
    const page = keys.slice(0, pageSize);
    return {
      iterator: new RangeIterator(page, channel.state, () => undefined),
      metadata: { fetchedRecordsCount: page.length, bookmark: keys[pageSize] ?? '' },
    };
  }

  async invokeChaincode(
    chaincode: string,
    args: string[],
    channel: string,
  ): Promise<{ status: number; message: string; payload: Buffer }> {
    if (channel === this.#channelName) {
      throw new Error('a chaincode cannot call itself on its own channel');
    }
    if (chaincode !== channel) {
      throw new Error(`chaincode ${chaincode} is not on channel ${channel}`);
    }
    const [transaction = '', ...rest] = args;
    const { mspId, transient } = this.#proposal;
    const called = await this.#ledger.simulate(channel, {
      mspId,
      transaction,
      args: rest,
      ...(transient && { transient }),
    });
    return { status: called.status, message: called.message, payload: Buffer.from(called.payload) };
  }

  setEvent(name: string, payload: Uint8Array): void {
    if (name === '') {
      throw new Error('Event name must be a non-empty string');
    }
    this.events.push({ name, payload });
  }

  getTxTimestamp(): never {
    throw new Error('no contract reads the transaction timestamp');
  }

  getDateTimestamp(): never {
    throw new Error('no contract reads the transaction timestamp');
  }
}

class RangeIterator {
  #next = 0;

  readonly #keys: readonly string[];
  readonly #state: ReadonlyMap<string, Value>;
  readonly #onRead: (key: string | undefined) => void;

  constructor(keys: readonly string[], state: ReadonlyMap<string, Value>, onRead: (key: string | undefined) => void) {
    this.#keys = keys;
    this.#state = state;
    this.#onRead = onRead;
  }

  async next(): Promise<{ done: boolean; value?: { key: string; value: Buffer } }> {
    await Promise.resolve();
    const key = this.#keys[this.#next++];
    this.#onRead(key);
    if (key === undefined) {
      return { done: true };
    }
    return { done: false, value: { key, value: Buffer.from((this.#state.get(key) as Value).bytes) } };
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

/** Who calls, with what. */
export interface Proposal {
  readonly mspId: string;
  readonly transaction: string;
  readonly args: readonly string[];
  readonly transient?: Readonly<Record<string, Uint8Array>>;
}

/** A range as far as it was read: the same keys and versions must be there at the commit. */
export interface RangeRead {
  readonly start: string;
  end: string;
  readonly found: { readonly key: string; readonly version: number }[];
}

/** The outcome of one simulation. */
export interface Simulation {
  readonly channel: string;
  readonly status: number;
  /** The refusal's text, empty on success. */
  readonly message: string;
  readonly payload: Uint8Array;
  /** Key → version read, 0 for an absent key. */
  readonly reads: ReadonlyMap<string, number>;
  readonly ranges: readonly RangeRead[];
  readonly writes: ReadonlyMap<string, Uint8Array>;
  readonly events: readonly { name: string; payload: Uint8Array }[];
  /** The transient map as the contract left it. */
  readonly transient: ReadonlyMap<string, Uint8Array>;
}

/** A committed value. */
export interface Value {
  readonly bytes: Uint8Array;
  readonly version: number;
}
