// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { compareKeys, decodeReadWriteSet, ReadWriteSetBuilder } from './read-write-set.js';

const version = { block: 3, transaction: 1 };

describe('read/write set', () => {
  it('comes back as it went in', () => {
    const builder = new ReadWriteSetBuilder();
    builder.addRead('cc', 'read', version);
    builder.addRead('cc', 'missing', undefined);
    builder.addWrite('cc', 'written', Buffer.from('value'));
    builder.addWrite('cc', 'deleted', undefined);
    builder.addRange('cc', { startKey: 'a', endKey: 'c', exhausted: true, reads: [{ key: 'b', version }] });
    builder.addRange('cc', { startKey: 'x', endKey: 'x', exhausted: false, reads: [] });
    const [set, ...others] = decodeReadWriteSet(builder.encode());
    assert.deepEqual(others, []);
    assert.deepEqual(set, {
      namespace: 'cc',
      reads: [
        { key: 'missing', version: undefined },
        { key: 'read', version },
      ],
      ranges: [{ startKey: 'a', endKey: 'c', exhausted: true, reads: [{ key: 'b', version }] }],
      writes: [
        { key: 'deleted', value: undefined },
        { key: 'written', value: new Uint8Array(Buffer.from('value')) },
      ],
    });
  });

  it('does not depend on the order of the chaincode’s calls', () => {
    const keys = ['b', 'a', '\u0000pair\u0000x', 'ä'];
    const encode = (order: readonly string[]): Uint8Array => {
      const builder = new ReadWriteSetBuilder();
      for (const key of order) {
        builder.addWrite(`cc-${key.length % 2}`, key, Buffer.from(key));
        builder.addRead('cc', key, version);
      }
      return builder.encode();
    };
    assert.deepEqual(encode(keys), encode([...keys].reverse()));
  });

  it('orders keys by UTF-8 bytes, where JavaScript would not', () => {
    const maximum = '\u{10ffff}'; // what composite-key ranges end with
    const private_ = '\ue000';
    assert.deepEqual([private_, maximum].sort(), [maximum, private_]);
    assert.ok(compareKeys(maximum, private_) > 0);
  });
});
