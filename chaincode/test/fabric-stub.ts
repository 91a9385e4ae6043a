// SPDX-License-Identifier: Apache-2.0
import './quiet.js';
import type { Contract } from 'fabric-contract-api';
import { Simulation, Proposal, SimulationStub, Value } from './simulation-stub.js';

/**
 * A ledger in memory that keeps Fabric's rules where they matter to a contract: transactions are simulated against
 * committed state and see nothing of their own writes; an absent value is no bytes and no bytes are a delete; ranges
 * go in order of UTF-8 bytes; a paginated query and a write exclude each other; commits are validated against the
 * versions and ranges that were read; a query of another channel leaves no trace; whatever needs the clock throws.
 * Contracts run behind the real dispatcher of `fabric-shim`, so arguments, names and errors are those of a peer.
 */
interface Dispatcher {
  readonly metadata: Metadata;
  Invoke(stub: unknown): Promise<{ status: number; message?: string; payload?: Uint8Array }>;
}
type DispatcherConstructor = new (contracts: unknown[], serializers: unknown, metadata: object) => Dispatcher;

/** What a chaincode says about itself, as `fabric-shim` makes it from the decorators. */
export interface Metadata {
  readonly contracts: Readonly<Record<string, ContractMetadata>>;
  readonly components: { readonly schemas: object };
}
export interface ContractMetadata {
  readonly contractInstance: object;
  readonly transactions: readonly TransactionMetadata[];
}
export interface TransactionMetadata {
  readonly name: string;
  readonly tag: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly schema: object }[];
  readonly returns?: { readonly type: string };
}

/** What a contract's package exports. */
export interface ChaincodePackage {
  readonly contracts: readonly (new () => Contract)[];
  readonly serializers: unknown;
}

// The package has no types and no public path for its dispatcher.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const ChaincodeFromContract = require('fabric-shim/lib/contract-spi/chaincodefromcontract.js') as DispatcherConstructor;

export const CONTROL_CENTER_MSP = 'ControlCenterMSP';
export const SERVICE_PROVIDER_MSP = 'ServiceProviderMSP';
export const CONSUMERS_MSP = 'ConsumersMSP';

class Channel {
  readonly dispatcher: Dispatcher;

  constructor(
    chaincode: ChaincodePackage | Dispatcher,
    readonly state = new Map<string, Value>(),
  ) {
    this.dispatcher =
      'contracts' in chaincode
        ? new ChaincodeFromContract([...chaincode.contracts], chaincode.serializers, {})
        : chaincode;
  }

  /** The same contract with a state of its own. */
  fork(): Channel {
    return new Channel(this.dispatcher, new Map(this.state));
  }

  keys(start: string, end: string): string[] {
    const bytes = (text: string): Buffer => Buffer.from(text);
    return [...this.state.keys()]
      .filter((key) => Buffer.compare(bytes(key), bytes(start)) >= 0 && Buffer.compare(bytes(key), bytes(end)) < 0)
      .sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
  }
}

export function metadataOf(chaincode: ChaincodePackage): Metadata {
  return new Channel(chaincode).dispatcher.metadata;
}

/** One peer of the control center with some channels. */
export class FakeLedger {
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

  /** Another peer with the same blocks so far. */
  fork(): FakeLedger {
    const other = new FakeLedger(this.mspId);
    for (const [name, channel] of this.#channels) {
      other.#channels.set(name, channel.fork());
    }
    other.#version = this.#version;
    return other;
  }

  channel(name: string): Channel {
    const channel = this.#channels.get(name);
    if (channel === undefined) {
      throw new Error(`failed to find ledger for channel: ${name}`);
    }
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
    if (simulation.status >= 400) {
      throw new Error(`not endorsed: ${simulation.message}`);
    }
    const channel = this.channel(simulation.channel);
    for (const [key, version] of simulation.reads) {
      if ((channel.state.get(key)?.version ?? 0) !== version) {
        return 'MVCC_READ_CONFLICT';
      }
    }
    for (const { start, end, found } of simulation.ranges) {
      const keys = channel.keys(start, end);
      const isSame = (key: string, index: number): boolean =>
        key === found[index]?.key && channel.state.get(key)!.version === found[index].version;
      if (keys.length !== found.length || !keys.every(isSame)) {
        return 'PHANTOM_READ_CONFLICT';
      }
    }
    const version = ++this.#version;
    for (const [key, bytes] of simulation.writes) {
      if (bytes.length === 0) {
        channel.state.delete(key);
      } else {
        channel.state.set(key, { bytes, version });
      }
    }
    return 'VALID';
  }

  /** Endorses and, when that succeeds, commits. */
  async submit(channel: string, proposal: Proposal): Promise<Simulation> {
    const simulation = await this.simulate(channel, proposal);
    if (simulation.status < 400 && this.commit(simulation) !== 'VALID') {
      throw new Error('nobody else writes here');
    }
    return simulation;
  }
}
