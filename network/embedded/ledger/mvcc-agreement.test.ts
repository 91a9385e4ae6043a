// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { peer } from '@hyperledger/fabric-protos';
import fc from 'fast-check';
import { TemporaryDatabase } from '../../../test/support/embedded/database.js';
import type { Database } from './database.js';
import { BlockUpdates } from './mvcc.js';
import { decodeReadWriteSet, type NamespaceReadWriteSet } from './read-write-set.js';
import { Simulator } from './simulator.js';

// The contracts' tests run on a fake ledger that is CommonJS and cannot import this one; the parts of it used here.
interface Iterator {
  next(): Promise<{ done: boolean }>;
}
interface Stub {
  getState(key: string): Promise<unknown>;
  putState(key: string, value: Uint8Array): Promise<void>;
  getStateByRange(start: string, end: string): Promise<Iterator>;
}
interface FakeLedger {
  deploy(channel: string, chaincode: unknown): void;
  commit(simulation: unknown): string;
  stateOf(channel: string): [key: string, value: Uint8Array][];
}
const CHANNEL = 'consumption';
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const NAMES = new Map<number, string>([
  [peer.TxValidationCode.VALID, 'VALID'],
  [peer.TxValidationCode.MVCC_READ_CONFLICT, 'MVCC_READ_CONFLICT'],
  [peer.TxValidationCode.PHANTOM_READ_CONFLICT, 'PHANTOM_READ_CONFLICT'],
]);

type Step =
  | { readonly kind: 'read'; readonly key: string }
  | { readonly kind: 'write'; readonly key: string; readonly value: number }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'range'; readonly start: string; readonly end: string; readonly limit: number };

const anyKey = fc.constantFrom(...KEYS);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), key: anyKey }),
  fc.record({ kind: fc.constant('write' as const), key: anyKey, value: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('delete' as const), key: anyKey }),
  fc.record({
    kind: fc.constant('range' as const),
    start: anyKey,
    end: fc.constantFrom(...KEYS, 'z'),
    limit: fc.integer({ min: 0, max: 6 }),
  }),
);
/** Transactions in groups, as of clients at work together: those of a group are simulated before one of them commits. */
const anyHistory = fc.array(fc.array(fc.array(anyStep, { maxLength: 4 }), { minLength: 1, maxLength: 4 }), {
  maxLength: 8,
});

async function onEmbedded(database: Database, steps: readonly Step[]): Promise<NamespaceReadWriteSet[]> {
  const simulator = new Simulator(database, CHANNEL);
  for (const step of steps) {
    if (step.kind === 'read') {
      simulator.getState('cc', step.key);
    } else if (step.kind === 'range') {
      const cursor = simulator.openRange('cc', step.start, step.end);
      let read = 0;
      while (read < step.limit && (await cursor.next()) !== undefined) {
        read++;
      }
      await cursor.close();
    } else {
      simulator.putState('cc', step.key, Uint8Array.from(step.kind === 'write' ? [step.value] : []));
    }
  }
  const results = decodeReadWriteSet(simulator.results());
  await simulator.close();
  return results;
}

async function onFake(stub: Stub, steps: readonly Step[]): Promise<object> {
  for (const step of steps) {
    if (step.kind === 'read') {
      await stub.getState(step.key);
    } else if (step.kind === 'range') {
      const iterator = await stub.getStateByRange(step.start, step.end);
      let read = 0;
      while (read < step.limit && !(await iterator.next()).done) {
        read++;
      }
    } else {
      await stub.putState(step.key, Uint8Array.from(step.kind === 'write' ? [step.value] : []));
    }
  }
  return Object.assign(stub, { channel: CHANNEL, status: 200 });
}

describe("multi-version concurrency control, here and in the contracts' tests", function () {
  this.timeout(60_000);
  const temporary = new TemporaryDatabase();
  let database: Database;
  let block = 0;
  const seen = new Set<string>();

  let newFake: () => FakeLedger;
  let newStub: (ledger: FakeLedger) => Stub;

  before(async () => {
    database = await temporary.open();
    // Loaded late, as test/support/ledger/contract-ledger.ts does: the contracts have a copy of Fabric's messages.
    const require = createRequire(import.meta.url);
    const { FakeLedger } = require('../../../chaincode/test/fabric-stub.js') as { FakeLedger: new () => FakeLedger };
    const { SimulationStub } = require('../../../chaincode/test/simulation-stub.js') as {
      SimulationStub: new (ledger: FakeLedger, channel: string, proposal: object, txId: string) => Stub;
    };
    const anyContract: unknown = require('../../../chaincode/consumption/index.js');
    newFake = () => {
      const ledger = new FakeLedger();
      ledger.deploy(CHANNEL, anyContract);
      return ledger;
    };
    newStub = (ledger) => new SimulationStub(ledger, CHANNEL, { mspId: 'A', transaction: 't', args: [] }, 'tx');
  });
  after(() => temporary.remove());

  /** Commits a transaction in a block of its own, as the fake ledger does. @returns its verdict */
  async function commit(sets: readonly NamespaceReadWriteSet[]): Promise<string> {
    const number = block++;
    const updates = new BlockUpdates(database, CHANNEL);
    const code = await updates.apply(sets, { block: number, transaction: 0 });
    const written = { block: Uint8Array.of(1), transactions: new Map(), writes: updates.sorted() };
    await database.commit({ channel: CHANNEL, number, ...written });
    return NAMES.get(code)!;
  }

  const deletesAll = KEYS.map((key): Step => ({ kind: 'delete', key }));

  it('gives the same verdicts and the same state after any history', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, async (history) => {
        await commit(await onEmbedded(database, deletesAll));
        const fake = newFake();
        for (const transactions of history) {
          const embedded = await Promise.all(transactions.map((steps) => onEmbedded(database, steps)));
          const faked = await Promise.all(transactions.map((steps) => onFake(newStub(fake), steps)));
          for (const [index, sets] of embedded.entries()) {
            const verdict = await commit(sets);
            assert.equal(fake.commit(faked[index]), verdict);
            seen.add(verdict);
          }
          const state: [string, number[]][] = [];
          for await (const { key, value } of database.stateRange(CHANNEL, 'cc', { start: '', end: '' })) {
            state.push([key, [...value]]);
          }
          assert.deepEqual(
            fake.stateOf(CHANNEL).map(([key, value]) => [key, [...value]]),
            state,
          );
        }
      }),
      { numRuns: 100 },
    );
    assert.deepEqual([...seen].sort(), [...NAMES.values()].sort(), 'every verdict was met');
  });
});
