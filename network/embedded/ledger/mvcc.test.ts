// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { peer } from '@hyperledger/fabric-protos';
import { commitState, TemporaryDatabase } from '../../../test/support/embedded/database.js';
import type { Database } from './database.js';
import { BlockUpdates } from './mvcc.js';
import { decodeReadWriteSet, type NamespaceReadWriteSet } from './read-write-set.js';
import { Simulator } from './simulator.js';

const { VALID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT } = peer.TxValidationCode;
const value = Buffer.from('x');

describe('multi-version concurrency control', () => {
  const kit = new TemporaryDatabase();
  let database: Database;
  let block = 1;

  before(async () => {
    database = await kit.open();
  });

  after(() => kit.remove());

  beforeEach(() => commitState(database, block++, { a: '1', c: '3', e: '5', b: undefined, d: undefined }));

  async function simulate(run: (simulator: Simulator) => void | Promise<void>): Promise<NamespaceReadWriteSet[]> {
    const simulator = new Simulator(database, 'consumption');
    await run(simulator);
    const results = decodeReadWriteSet(simulator.results());
    await simulator.close();
    return results;
  }

  const readRange = (start: string, end: string, limit = Infinity) =>
    simulate(async (simulator) => {
      const cursor = simulator.openRange('cc', start, end);
      let read = 0;
      while (read < limit && (await cursor.next()) !== undefined) {
        read++;
      }
      await cursor.close();
    });

  const write = (key: string, content: Uint8Array = value) =>
    simulate((simulator) => simulator.putState('cc', key, content));

  /** Codes of transactions of one block, in order. */
  async function validate(...transactions: NamespaceReadWriteSet[][]): Promise<number[]> {
    const updates = new BlockUpdates(database, 'consumption');
    const codes: number[] = [];
    for (const [index, sets] of transactions.entries()) {
      codes.push(await updates.apply(sets, { block, transaction: index }));
    }
    return codes;
  }

  it('lets the first of two transactions that read and write a key pass, and not the second', async () => {
    const increment = () =>
      simulate((simulator) => {
        simulator.getState('cc', 'a');
        simulator.putState('cc', 'a', value);
      });
    assert.deepEqual(await validate(await increment(), await increment()), [VALID, MVCC_READ_CONFLICT]);
  });

  it('sees writes of blocks since the simulation, of keys that were there and of keys that were not', async () => {
    const present = await simulate((simulator) => void simulator.getState('cc', 'a'));
    const absent = await simulate((simulator) => void simulator.getState('cc', 'b'));
    assert.deepEqual(await validate(present, absent), [VALID, VALID]);
    await commitState(database, block++, { a: '1', b: '2' });
    assert.deepEqual(await validate(present, absent), [MVCC_READ_CONFLICT, MVCC_READ_CONFLICT]);
  });

  it('does not mind blind writes to one key', async () =>
    assert.deepEqual(await validate(await write('a'), await write('a')), [VALID, VALID]));

  it('does not apply the writes of an invalid transaction', async () => {
    const stale = await simulate((simulator) => {
      simulator.getState('cc', 'a');
      simulator.putState('cc', 'c', value);
    });
    const readsC = await simulate((simulator) => void simulator.getState('cc', 'c'));
    assert.deepEqual(await validate(await write('a'), stale, readsC), [VALID, MVCC_READ_CONFLICT, VALID]);
  });

  it('finds phantoms: a key that came, went or changed in a range that was read', async () => {
    const range = await readRange('a', 'f');
    assert.deepEqual(await validate(range), [VALID]);
    for (const change of [await write('b'), await write('c', new Uint8Array()), await write('e')]) {
      assert.deepEqual(await validate(change, range), [VALID, PHANTOM_READ_CONFLICT]);
    }
    for (const changed of [{ b: '2' }, { c: undefined }, { e: 'new' }]) {
      await commitState(database, block++, { a: '1', c: '3', e: '5', b: undefined });
      const again = await readRange('a', 'f');
      await commitState(database, block++, changed);
      assert.deepEqual(await validate(again), [PHANTOM_READ_CONFLICT]);
    }
  });

  it('does not mind changes outside the range, or deletions of what is not there', async () => {
    const range = await readRange('b', 'd');
    assert.deepEqual(await validate(await write('a'), await write('d'), await write('bb', new Uint8Array()), range), [
      VALID,
      VALID,
      VALID,
      VALID,
    ]);
  });

  it('guards a range only as far as it was read', async () => {
    const untilC = await readRange('a', 'z', 2);
    assert.deepEqual(await validate(await write('d'), untilC), [VALID, VALID]);
    assert.deepEqual(await validate(await write('b'), untilC), [VALID, PHANTOM_READ_CONFLICT]);
  });
});
