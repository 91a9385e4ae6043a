// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { commitState, TemporaryDatabase } from '../../../test/support/embedded/database.js';
import type { Database } from './database.js';
import { decodeReadWriteSet } from './read-write-set.js';
import { Simulator, type RangeCursor } from './simulator.js';

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

async function keysOf(cursor: RangeCursor): Promise<string[]> {
  const keys: string[] = [];
  for (let record = await cursor.next(); record !== undefined; record = await cursor.next()) {
    keys.push(record.key);
  }
  return keys;
}

describe('simulator', () => {
  const kit = new TemporaryDatabase();
  let database: Database;
  let simulator: Simulator;

  before(async () => {
    database = await kit.open();
    await commitState(database, 1, { a: '1', b: '2', c: '3', '\u{10ffff}': 'last', '\ue000': 'e' });
    await commitState(database, 2, { other: 'x' }, { channel: 'consumption', namespace: 'cc2' });
  });

  after(() => kit.remove());

  beforeEach(() => {
    simulator = new Simulator(database, 'consumption');
  });

  afterEach(() => simulator.close());

  it('does not see its own writes', () => {
    simulator.putState('cc', 'a', Buffer.from('changed'));
    simulator.deleteState('cc', 'b');
    assert.equal(text(simulator.getState('cc', 'a')), '1');
    assert.equal(text(simulator.getState('cc', 'b')), '2');
  });

  it('sees the state as it was when it began', async () => {
    await commitState(database, 3, { a: 'newer' });
    assert.equal(text(simulator.getState('cc', 'a')), '1');
    await commitState(database, 4, { a: '1' });
  });

  it('keeps namespaces apart and treats an empty value as a deletion', () => {
    assert.equal(simulator.getState('cc', 'other'), undefined);
    assert.equal(text(simulator.getState('cc2', 'other')), 'x');
    simulator.putState('cc', 'a', new Uint8Array());
    const set = decodeReadWriteSet(simulator.results()).find(({ namespace }) => namespace === 'cc');
    assert.deepEqual(set?.writes, [{ key: 'a', value: undefined }]);
  });

  it('runs ranges in byte order, from start to before the end, and records what was read', async () => {
    const cursor = simulator.openRange('cc', 'b', '');
    assert.deepEqual(await keysOf(cursor), ['b', 'c', '\ue000', '\u{10ffff}']);
    const closed = simulator.openRange('cc', 'a', 'c');
    assert.deepEqual(await keysOf(closed), ['a', 'b']);
    const partly = simulator.openRange('cc', 'a', 'z');
    await partly.next();
    await Promise.all([cursor.close(), closed.close(), partly.close()]);
    const [set] = decodeReadWriteSet(simulator.results());
    assert.deepEqual(
      set!.ranges.map(({ startKey, endKey, exhausted, reads }) => [startKey, endKey, exhausted, reads.length]),
      [
        ['b', '', true, 4],
        ['a', 'c', true, 2],
        ['a', 'a', false, 1],
      ],
    );
  });
});
