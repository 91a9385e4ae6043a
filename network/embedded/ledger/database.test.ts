// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { commitState, TemporaryDatabase } from '../../../test/support/embedded/database.js';
import { Database } from './database.js';

describe('database', () => {
  const kit = new TemporaryDatabase();

  before(async () => {
    await kit.open();
    await commitState(kit.database, 0, { k: 'v0' });
    await commitState(kit.database, 1, { k: 'v1' });
    await commitState(kit.database, 0, { k: 'w' }, { channel: 'consumption2', namespace: 'cc' });
  });

  after(() => kit.remove());

  it('gives back blocks, state with versions, and nothing of other channels', async () => {
    const { database } = kit;
    assert.deepEqual([...database.block('consumption', 1)!], [1]);
    assert.equal(database.block('consumption', 2), undefined);
    assert.deepEqual([...(await database.lastBlock('consumption'))!], [1]);
    assert.equal(await database.lastBlock('unknown'), undefined);
    const entry = database.state('consumption', 'cc', 'k')!;
    assert.equal(Buffer.from(entry.value).toString(), 'v1');
    assert.deepEqual(entry.version, { block: 1, transaction: 0 });
    assert.equal(Buffer.from(database.state('consumption2', 'cc', 'k')!.value).toString(), 'w');
  });

  it('indexes transactions', async () => {
    const status = { block: 5, transaction: 3, code: 11 };
    const transactions = new Map([['abc', status]]);
    await kit.database.commit({ channel: 'c', number: 5, block: new Uint8Array(), transactions, writes: [] });
    assert.deepEqual(kit.database.transaction('c', 'abc'), status);
    assert.equal(kit.database.transaction('c', 'abcd'), undefined);
    assert.equal(kit.database.transaction('consumption', 'abc'), undefined);
  });

  it('belongs to one process at a time', async () => {
    await assert.rejects(Database.open(kit.path), { code: 'ALREADY_RUNNING' });
  });
});
