// SPDX-License-Identifier: Apache-2.0
import './quiet.js';
import type { Contract } from 'fabric-contract-api';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A ledger in memory that keeps Fabric's rules where they matter to a contract: transactions are simulated against
 * committed state and see nothing of their own writes; an absent value is no bytes and no bytes are a delete; ranges
 * go in order of UTF-8 bytes; a paginated query and a write exclude each other; commits are validated against the
 * versions and ranges that were read; a query of another channel leaves no trace; whatever needs the clock throws.
 * Contracts run behind the real dispatcher of `fabric-shim`, so arguments, names and errors are those of a peer.
 */
interface Dispatcher {
  readonly metadata: unknown;
  Invoke(stub: unknown): Promise<{ status: number; message?: string; payload?: Uint8Array }>;
}
type DispatcherConstructor = new (contracts: unknown[], serializers: unknown, metadata: object) => Dispatcher;

/** What a contract's package exports. */
export interface ChaincodePackage {
  readonly contracts: readonly (new () => Contract)[];
  readonly serializers: unknown;
}

// The package has no types and no public path for its dispatcher.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const ChaincodeFromContract = require('fabric-shim/lib/contract-spi/chaincodefromcontract.js') as DispatcherConstructor;

/** Any X.509 certificate: the shim reads one from every caller. */
const CERTIFICATE = readFileSync(join(__dirname, '..', '..', '..', 'chaincode', 'test', 'caller.pem'));

export const CONTROL_CENTER_MSP = 'ControlCenterMSP';
export const SERVICE_PROVIDER_MSP = 'ServiceProviderMSP';
export const CONSUMERS_MSP = 'ConsumersMSP';

/** Who calls, with what. */
export interface Proposal {
  readonly mspId: string;
  readonly transaction: string;
  readonly args: readonly string[];
  readonly transient?: Readonly<Record<string, Uint8Array>>;
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
  readonly ranges: readonly { start: string; end: string; found: readonly string[] }[];
  readonly writes: ReadonlyMap<string, Uint8Array>;
  readonly events: readonly { name: string; payload: Uint8Array }[];
  /** The transient map as the contract left it. */
  readonly transient: ReadonlyMap<string, Uint8Array>;
}

interface Value {
  readonly bytes: Uint8Array;
  readonly version: number;
}

class Channel {
  readonly state = new Map<string, Value>();
  readonly dispatcher: Dispatcher;

  constructor(readonly chaincode: ChaincodePackage) {
    const { contracts, serializers } = chaincode;
    this.dispatcher = new ChaincodeFromContract([...contracts], serializers, {});
  }

  keys(start: string, end: string): string[] {
    const bytes = (text: string): Buffer => Buffer.from(text);
    return [...this.state.keys()]
      .filter((key) => Buffer.compare(bytes(key), bytes(start)) >= 0 && Buffer.compare(bytes(key), bytes(end)) < 0)
      .sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
  }
}

/** One peer of the control center with some channels. */
export class TestLedger {
  readonly #channels = new Map<string, Channel>();
  #transactions = 0;
  #version = 0;

  /** @param mspId the peer's own organisation, null for a process that was not told */
  constructor(readonly mspId: string | null = CONTROL_CENTER_MSP) {}

  /** Installs a contract on a channel. Any contract fits any channel, as on a real peer. */
  deploy(channel: string, chaincode: ChaincodePackage): this {
    this.#channels.set(channel, new Channel(chaincode));
    return this;
  }

  channel(name: string): Channel {
    const channel = this.#channels.get(name);
    if (channel === undefined) throw new Error(`failed to find ledger for channel: ${name}`);
    return channel;
  }

  /** Committed values of a channel, in order of keys. */
  stateOf(channel: string): [key: string, value: Uint8Array][] {
    const { state } = this.channel(channel);
    return this.channel(channel)
      .keys('', '\u{10ffff}')
      .map((key) => [key, (state.get(key) as Value).bytes]);
  }

  /** Endorses without committing. */
  async simulate(channel: string, proposal: Proposal): Promise<Simulation> {
    const stub = new SimulationStub(this, channel, proposal, `tx-${++this.#transactions}`);
    const { status, message, payload } = await this.channel(channel).dispatcher.Invoke(stub);
    return {
      channel,
      status,
      message: message ?? '',
      payload: payload ?? new Uint8Array(),
      reads: stub.reads,
      ranges: stub.ranges,
      writes: stub.writes,
      events: stub.events,
      transient: stub.getTransient(),
    };
  }

  /** Orders one endorsed transaction: validates it as a committing peer does and applies it. */
  commit(simulation: Simulation): 'VALID' | 'MVCC_READ_CONFLICT' | 'PHANTOM_READ_CONFLICT' {
    if (simulation.status >= 400) throw new Error(`not endorsed: ${simulation.message}`);
    const channel = this.channel(simulation.channel);
    for (const [key, version] of simulation.reads) {
      if ((channel.state.get(key)?.version ?? 0) !== version) return 'MVCC_READ_CONFLICT';
    }
    for (const { start, end, found } of simulation.ranges) {
      if (channel.keys(start, end).join() !== found.join()) return 'PHANTOM_READ_CONFLICT';
    }
    const version = ++this.#version;
    for (const [key, bytes] of simulation.writes) {
      if (bytes.length === 0) channel.state.delete(key);
      else channel.state.set(key, { bytes, version });
    }
    return 'VALID';
  }

  /** Endorses and, when that succeeds, commits. */
  async submit(channel: string, proposal: Proposal): Promise<Simulation> {
    const simulation = await this.simulate(channel, proposal);
    if (simulation.status < 400 && this.commit(simulation) !== 'VALID') throw new Error('nobody else writes here');
    return simulation;
  }
}

/** The parts of `ChaincodeStub` that a contract may use. */
class SimulationStub {
  readonly reads = new Map<string, number>();
  readonly ranges: { start: string; end: string; found: string[] }[] = [];
  readonly writes = new Map<string, Uint8Array>();
  readonly events: { name: string; payload: Uint8Array }[] = [];
  readonly #transient: Map<string, Buffer>;
  #paginated = false;

  constructor(
    private readonly ledger: TestLedger,
    private readonly channelName: string,
    private readonly proposal: Proposal,
    private readonly txId: string,
  ) {
    // The shim hands out the same buffers to everyone who asks; they are copies of the caller's.
    this.#transient = new Map(
      Object.entries(proposal.transient ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes)]),
    );
  }

  getBufferArgs(): Buffer[] {
    return [this.proposal.transaction, ...this.proposal.args].map((arg) => Buffer.from(arg));
  }

  getTxID(): string {
    return this.txId;
  }

  getChannelID(): string {
    return this.channelName;
  }

  getCreator(): { mspid: string; idBytes: Uint8Array } {
    return { mspid: this.proposal.mspId, idBytes: CERTIFICATE };
  }

  getMspID(): string {
    if (this.ledger.mspId === null) throw new Error('CORE_PEER_LOCALMSPID is unset in chaincode process');
    return this.ledger.mspId;
  }

  getTransient(): Map<string, Buffer> {
    return this.#transient;
  }

  async getState(key: string): Promise<Buffer> {
    await Promise.resolve();
    const value = this.ledger.channel(this.channelName).state.get(key);
    this.reads.set(key, value?.version ?? 0);
    return Buffer.from(value?.bytes ?? []);
  }

  async putState(key: string, value: Uint8Array): Promise<void> {
    await Promise.resolve();
    if (key === '') throw new Error('an empty key is not supported');
    if (this.#paginated) throw new Error('a paginated query was performed: only read-only transactions may use one');
    this.writes.set(key, Uint8Array.from(value));
  }

  deleteState(key: string): Promise<void> {
    return this.putState(key, new Uint8Array());
  }

  async getStateByRange(start: string, end: string): Promise<RangeIterator> {
    await Promise.resolve();
    const channel = this.ledger.channel(this.channelName);
    const keys = channel.keys(start, end);
    const range = { start, end: start, found: [] as string[] };
    this.ranges.push(range);
    return new RangeIterator(keys, channel.state, (key) => {
      // A committing peer repeats the range as far as it was read.
      if (key === undefined) range.end = end;
      else {
        range.found.push(key);
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
    if (this.writes.size > 0) throw new Error('a paginated query after a write is not supported');
    this.#paginated = true;
    const channel = this.ledger.channel(this.channelName);
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
    if (channel === this.channelName) throw new Error('a chaincode cannot call itself on its own channel');
    if (chaincode !== channel) throw new Error(`chaincode ${chaincode} is not on channel ${channel}`);
    const [transaction = '', ...rest] = args;
    const { mspId, transient } = this.proposal;
    const called = await this.ledger.simulate(channel, {
      mspId,
      transaction,
      args: rest,
      ...(transient && { transient }),
    });
    return { status: called.status, message: called.message, payload: Buffer.from(called.payload) };
  }

  setEvent(name: string, payload: Uint8Array): void {
    if (name === '') throw new Error('Event name must be a non-empty string');
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

  constructor(
    private readonly keys: readonly string[],
    private readonly state: ReadonlyMap<string, Value>,
    private readonly onRead: (key: string | undefined) => void,
  ) {}

  async next(): Promise<{ done: boolean; value?: { key: string; value: Buffer } }> {
    await Promise.resolve();
    const key = this.keys[this.#next++];
    this.onRead(key);
    if (key === undefined) return { done: true };
    return { done: false, value: { key, value: Buffer.from((this.state.get(key) as Value).bytes) } };
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}
