// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import {
  LedgerError,
  type CommittedTransaction,
  type LedgerClient,
  type LedgerEvent,
  type TransientData,
} from '../../../client-apps/ledger/index.js';
import type { LedgerKind } from '../../../protocol/ledger/row.js';

// The contracts are CommonJS and compiled by themselves; these are the parts of their test ledger that are used here.
interface Simulation {
  readonly status: number;
  readonly message: string;
  readonly payload: Uint8Array;
  readonly writes: ReadonlyMap<string, Uint8Array>;
  readonly events: readonly { name: string; payload: Uint8Array }[];
}
interface Proposal {
  readonly mspId: string;
  readonly transaction: string;
  readonly args: readonly string[];
  readonly transient?: TransientData;
}
interface Contracts {
  deploy(channel: string, chaincode: unknown): void;
  simulate(channel: string, proposal: Proposal): Promise<Simulation>;
  commit(simulation: Simulation): string;
  stateOf(channel: string): [key: string, value: Uint8Array][];
}

const KINDS: readonly LedgerKind[] = ['consumption', 'pricing', 'billing'];

/** When a party's process dies: before or after its n-th submission takes effect, counted from 1. */
export interface Death {
  readonly submission: number;
  readonly moment: 'before' | 'after';
}

/** The real contracts in this process, behind the interface that the parties know. One transaction is one block. */
export class ContractLedger {
  readonly #contracts: Contracts;
  readonly #events = new Map<string, LedgerEvent[]>(KINDS.map((kind) => [kind, []]));
  #wake: () => void = () => undefined;
  #news = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    const require = createRequire(import.meta.url);
    const { FakeLedger } = require('../../../chaincode/test/fabric-stub.js') as { FakeLedger: new () => Contracts };
    this.#contracts = new FakeLedger();
    for (const kind of KINDS) {
      this.#contracts.deploy(kind, require(`../../../chaincode/${kind}/index.js`));
    }
    this.#rearm();
  }

  /** Committed values of a channel, in order of keys. */
  stateOf(channel: LedgerKind): [key: string, value: Uint8Array][] {
    return this.#contracts.stateOf(channel);
  }

  /** A client for one identity. @param death calls from then on never return, as for a process that is gone */
  client(mspId: string, death?: Death): ContractClient {
    return new ContractClient(this, mspId, death);
  }

  /** @throws LedgerError */
  async evaluate(channel: string, proposal: Proposal): Promise<Uint8Array> {
    return (await this.#simulate(channel, proposal)).payload;
  }

  /** One transaction at a time: conflicts are for other tests. @throws LedgerError */
  submit(channel: string, proposal: Proposal): Promise<CommittedTransaction> {
    const result = this.#last.then(async () => {
      const simulation = await this.#simulate(channel, proposal);
      const verdict = this.#contracts.commit(simulation);
      if (verdict !== 'VALID') {
        throw new Error(`a single transaction met ${verdict}`);
      }
      const events = this.eventsOf(channel);
      const blockNumber = BigInt(events.length);
      const transactionId = `${channel}-${blockNumber}`;
      for (const event of simulation.events) {
        events.push({ ...event, blockNumber, transactionId });
      }
      this.#wake();
      this.#rearm();
      return { transactionId, blockNumber };
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  eventsOf(channel: string): LedgerEvent[] {
    return this.#events.get(channel)!;
  }

  /** Resolves with the next transaction. */
  next(): Promise<void> {
    return this.#news;
  }

  async #simulate(channel: string, proposal: Proposal): Promise<Simulation> {
    const simulation = await this.#contracts.simulate(channel, proposal);
    if (simulation.status < 400) {
      return simulation;
    }
    const [, code = 'CHAINCODE_ERROR', message = simulation.message] =
      /^([A-Z_]+): (.*)$/.exec(simulation.message) ?? [];
    throw new LedgerError(code, message);
  }

  #rearm(): void {
    this.#news = new Promise((resolve) => (this.#wake = resolve));
  }
}

export class ContractClient implements LedgerClient {
  /** Submissions so far, those that changed nothing included. */
  submissions = 0;
  /** Resolves when the process is gone. */
  readonly died: Promise<void>;
  #die: () => void = () => undefined;
  #isDead = false;
  #isClosed = false;

  readonly #ledger: ContractLedger;
  readonly #mspId: string;
  readonly #death: Death | undefined;

  constructor(ledger: ContractLedger, mspId: string, death: Death | undefined) {
    this.#ledger = ledger;
    this.#mspId = mspId;
    this.#death = death;

    this.died = new Promise((resolve) => (this.#die = resolve));
  }

  evaluate(channel: string, transaction: string, args: readonly string[] = []): Promise<Uint8Array> {
    return this.#alive(() => this.#ledger.evaluate(channel, { mspId: this.#mspId, transaction, args }));
  }

  submit(
    channel: string,
    transaction: string,
    args: readonly string[] = [],
    transient?: TransientData,
  ): Promise<CommittedTransaction> {
    return this.#alive(async () => {
      const isLast = ++this.submissions === this.#death?.submission;
      if (isLast && this.#death.moment === 'before') {
        return this.#perish();
      }
      const proposal = { mspId: this.#mspId, transaction, args, ...(transient && { transient }) };
      const committed = await this.#ledger.submit(channel, proposal);
      if (isLast) {
        return this.#perish();
      }
      return committed;
    });
  }

  async *chaincodeEvents(channel: string, startBlock?: bigint): AsyncGenerator<LedgerEvent> {
    const events = this.#ledger.eventsOf(channel);
    for (let next = Number(startBlock ?? events.length); ;) {
      while (next < events.length && !this.#isClosed) {
        yield await this.#alive(() => Promise.resolve(events[next++]!));
      }
      if (this.#isClosed) {
        return;
      }
      await this.#ledger.next();
    }
  }

  // eslint-disable-next-line require-yield -- no party reads blocks
  async *blocks(): AsyncGenerator<never> {
    await Promise.reject(new Error('this ledger keeps no blocks'));
  }

  height(channel: string): Promise<bigint> {
    return this.#alive(() => Promise.resolve(BigInt(this.#ledger.eventsOf(channel).length)));
  }

  close(): void {
    this.#isClosed = true;
  }

  async #alive<T>(task: () => Promise<T>): Promise<T> {
    await this.#hangIfDead();
    if (this.#isClosed) {
      throw new LedgerError('CLOSED', 'the ledger client was closed');
    }
    const result = await task();
    await this.#hangIfDead();
    return result;
  }

  async #hangIfDead(): Promise<void> {
    if (this.#isDead) {
      await new Promise<never>(() => undefined);
    }
  }

  #perish(): Promise<never> {
    this.#isDead = true;
    this.#die();
    return new Promise<never>(() => undefined);
  }
}
