// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ProtocolError } from '../errors.js';
import {
  amount,
  decodeAs,
  encodeAs,
  hex,
  hexText,
  hexUpTo,
  integer,
  list,
  oneOf,
  optional,
  record,
} from './canonical-codec.js';

const codec = record({
  size: integer(1, 9),
  kind: oneOf(['a', 'b']),
  sum: amount,
  key: hex(4),
  tree: hexUpTo(6),
  certificate: hexText(20),
  last: optional(integer(0, 5)),
  rows: list(3, record({ value: amount })),
});

const anyValue = fc.record({
  size: fc.integer({ min: 1, max: 9 }),
  kind: fc.constantFrom('a' as const, 'b' as const),
  sum: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
  key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  tree: fc.uint8Array({ minLength: 1, maxLength: 6 }),
  certificate: fc.constantFrom('BEGIN\nEND\n', 'x'),
  last: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
  rows: fc.array(fc.record({ value: fc.bigInt({ min: 0n, max: 1n << 70n }) }), { maxLength: 3 }),
});

describe('canonical codec', () => {
  const bytesOf = (json: object): Uint8Array => new TextEncoder().encode(JSON.stringify(json));
  const valid = {
    certificate: '78',
    key: '00010203',
    kind: 'a',
    last: [],
    rows: [],
    size: 1,
    sum: '5',
    tree: 'ff',
  };
  const decode = (json: object): unknown => decodeAs(codec, bytesOf(json), 1_000);

  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(anyValue, (drawn) => {
        const value = { ...drawn, rows: drawn.rows.map((row) => ({ ...row })) };
        assert.deepEqual(decodeAs(codec, encodeAs(codec, value), 1_000), value);
      }),
    );
  });

  it('refuses a field outside its bounds, a missing one, an unknown one, and too many items', () => {
    assert.equal((decode(valid) as { sum: bigint }).sum, 5n);
    const { tree, ...withoutTree } = valid;
    assert.equal(tree, 'ff');
    const changes = [
      { ...valid, size: 10 },
      { ...valid, kind: 'c' },
      { ...valid, sum: '-5' },
      { ...valid, key: '0001' },
      { ...valid, tree: 'ff'.repeat(7) },
      { ...valid, last: [6] },
      { ...valid, last: [1, 2] },
      { ...valid, rows: Array.from({ length: 4 }, () => ({ value: '1' })) },
      { ...valid, unknown: 1 },
      withoutTree,
    ];
    for (const changed of changes) {
      assert.throws(() => decode(changed), ProtocolError, JSON.stringify(changed));
    }
  });
});
