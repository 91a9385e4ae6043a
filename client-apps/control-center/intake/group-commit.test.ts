// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import { GroupCommit } from './group-commit.js';

describe('client-apps/control-center/intake/group-commit', () => {
  it('writes what comes during a flush together, in order, and tells each when it is durable', async () => {
    const batches: string[][] = [];
    let release: () => void = () => undefined;
    const slow = {
      batch: (changes: StoreChange[]) => {
        batches.push(changes.map(({ key }) => key));
        return new Promise<void>((resolve) => (release = resolve));
      },
    };
    const journal = new GroupCommit(slow as unknown as SealedStore);
    const done: string[] = [];
    const add = (key: string): Promise<unknown> => journal.add([{ key }]).then(() => done.push(key));
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const adding = [add('a'), add('b')];
    await turn();
    adding.push(add('c'), add('d'));
    await turn();
    assert.deepEqual([batches, done], [[['a', 'b']], []]);
    release();
    await turn();
    assert.deepEqual(done, ['a', 'b']);
    const drained = journal.drain().then(() => done.push('drained'));
    release();
    await Promise.all([...adding, drained]);
    assert.deepEqual(batches, [
      ['a', 'b'],
      ['c', 'd'],
    ]);
    assert.equal(done.at(-1), 'drained');
  });
});
