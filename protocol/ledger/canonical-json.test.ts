// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { frozenVectors } from '../../test/support/frozen-vectors.js';
import { asciiBytes } from '../crypto/bytes.js';
import {
  encodeCanonical,
  type JsonValue,
  parseAmount,
  parseCanonical,
  parseInteger,
  readAmount,
  readAnyObject,
  readArray,
  readBoolean,
  readHex,
  readInteger,
  readObject,
  readOneOf,
  readString,
} from './canonical-json.js';
import { MAXIMUM_JSON_DEPTH } from './limits.js';

const LIMIT = 100_000;
const parse = (text: string): JsonValue => parseCanonical(asciiBytes(text), LIMIT);
const text = (value: JsonValue): string => new TextDecoder().decode(encodeCanonical(value));

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
const { value: anyValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: MAXIMUM_JSON_DEPTH - 1, depthSize: 'small' },
    printable,
    fc.maxSafeNat(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(printable, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

const vectors = frozenVectors<{
  readonly accepted: readonly string[];
  readonly refused: readonly { readonly code: string; readonly text: string }[];
}>('canonical-json');

describe('canonical JSON', () => {
  it('matches the frozen vectors', () => {
    for (const form of vectors.accepted) {
      assert.equal(text(parse(form)), form);
    }
    for (const { code, text: form } of vectors.refused) {
      assert.throws(() => parse(form), { code }, form);
    }
  });

  it('reads back what it writes, byte for byte', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeCanonical(value);
        const read = parseCanonical(bytes, LIMIT);
        assert.deepEqual(encodeCanonical(read), bytes);
        assert.deepEqual(JSON.parse(text(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('sorts keys by code unit and escapes only quote and backslash', () =>
    assert.equal(text({ b: 1, B: [true, 'x"y\\z/'], 10: 0, 9: '' }), '{"10":0,"9":"","B":[true,"x\\"y\\\\z/"],"b":1}'));

  it('gives different values to different bytes: no changed byte is read as the same value', () => {
    const bytes = encodeCanonical({ amount: '12', digest: 'ab', list: [1, 22, { q: '"\\' }], yes: true });
    const original = parseCanonical(bytes, LIMIT);
    for (let i = 0; i < bytes.length; i++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = bytes.slice();
        changed[i]! ^= 1 << bit;
        let read: JsonValue;
        try {
          read = parseCanonical(changed, LIMIT);
        } catch {
          continue;
        }
        assert.notDeepEqual(read, original, `byte ${i}, bit ${bit}`);
      }
    }
  });

  for (const form of [
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '{ "a":1}',
    '{"a":1} ',
    ' 1',
    '1.0',
    '1e2',
    '-0',
    '"\\u0041"',
    '"\\/"',
    '[1, 2]',
    '1E2',
    '-0.0',
    '10e-1',
  ]) {
    it(`refuses ${form} as non-canonical`, () => assert.throws(() => parse(form), { code: 'NON_CANONICAL' }));
  }

  for (const form of [
    '',
    '01',
    '+1',
    '-1',
    '1.5',
    '0.5',
    '-1.0',
    '1e400',
    '9007199254740992',
    'null',
    '[null]',
    'NaN',
    '{"a":1',
    '{"a":1,}',
    '[1]]',
    "{'a':1}",
    '"\\n"',
    '"\\u00e9"',
    'true false',
  ]) {
    it(`refuses ${form === '' ? 'nothing' : form} as malformed`, () =>
      assert.throws(() => parse(form), { code: 'MALFORMED' }));
  }

  it('refuses bytes outside printable ASCII, also a mark at the start and white space', () => {
    for (const bytes of [
      [0xef, 0xbb, 0xbf, 0x31],
      [0x31, 0x0a],
      [0x22, 0x7f, 0x22],
      [0x22, 0xc3, 0xa9, 0x22],
      [0x22, 0, 0x22],
    ]) {
      assert.throws(() => parseCanonical(Uint8Array.from(bytes), LIMIT), { code: 'MALFORMED' });
    }
  });

  it('bounds length and nesting before it parses', () => {
    assert.throws(() => parseCanonical(asciiBytes('"xx"'), 3), { code: 'LIMIT_EXCEEDED' });
    assert.equal(parseCanonical(asciiBytes('"x"'), 3), 'x');
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    assert.doesNotThrow(() => parse(nested(MAXIMUM_JSON_DEPTH)));
    assert.throws(() => parse(nested(MAXIMUM_JSON_DEPTH + 1)), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => parseCanonical(asciiBytes('['.repeat(5_000_000)), 5_000_000), { code: 'LIMIT_EXCEEDED' });
    assert.doesNotThrow(() => parse(`"${'['.repeat(20)}\\"${'{'.repeat(20)}"`), 'brackets in strings do not nest');
  });

  it('is not fooled by keys that every object inherits', () => {
    const value = parse('{"__proto__":{"polluted":"x"}}');
    assert.equal(text(value), '{"__proto__":{"polluted":"x"}}');
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    assert.throws(() => readObject(value, ['polluted']), { code: 'MALFORMED' });
    assert.throws(() => readObject(parse('{"a":1}'), ['toString' as 'a']), { code: 'MALFORMED' });
    assert.throws(() => readObject(parse('{"a":1}'), ['a', 'constructor' as 'a']), { code: 'MALFORMED' });
  });

  it('refuses to write what it could not read', () => {
    for (const value of [-1, 0.5, Number.NaN, Infinity, 2 ** 53, 'é', '\n', null, undefined, 1n, { a: undefined }]) {
      assert.throws(() => encodeCanonical(value as JsonValue), { code: 'MALFORMED' });
    }
  });
});

describe('readers of canonical JSON', () => {
  const notAmounts = ['', '01', '00', '+1', '-1', ' 1', '1 ', '1\n', '0x1', '1e3', '1_000', '1n', '１', '1.0', 'a'];

  it('reads amounts from decimal strings only', () => {
    const most = (1n << 128n) - 1n;
    assert.equal(readAmount('0'), 0n);
    assert.equal(readAmount(most.toString()), most);
    for (const amount of [...notAmounts, (most + 1n).toString(), '9'.repeat(40), '1'.repeat(1_000_000)]) {
      assert.throws(() => parseAmount(amount), { code: 'MALFORMED' }, amount.slice(0, 50));
    }
    for (const value of [1, true, [], {}]) {
      assert.throws(() => readAmount(value), { code: 'MALFORMED' });
    }
  });

  it('reads integers within bounds, from numbers and from text', () => {
    assert.equal(readInteger(7, 7, 7), 7);
    assert.equal(parseInteger('9007199254740991', 0, Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
    for (const value of [6, 8, '7', true, [7]]) {
      assert.throws(() => readInteger(value, 7, 7), { code: 'MALFORMED' });
    }
    for (const value of [...notAmounts, '9007199254740992', '1'.repeat(17)]) {
      assert.throws(() => parseInteger(value, 0, Number.MAX_SAFE_INTEGER), { code: 'MALFORMED' }, value);
    }
  });

  it('reads objects with exactly the keys', () => {
    assert.deepEqual(readObject({ a: 1, b: 2 }, ['b', 'a']), { a: 1, b: 2 });
    for (const value of [{ a: 1 }, { a: 1, b: 2, c: 3 }, { a: 1, c: 2 }, [], 'ab', 1, true]) {
      assert.throws(() => readObject(value, ['a', 'b']), { code: 'MALFORMED' });
    }
    assert.throws(() => readAnyObject([]), { code: 'MALFORMED' });
  });

  it('reads bounded arrays', () => {
    assert.deepEqual(readArray(['1', '2'], 2, readAmount), [1n, 2n]);
    assert.throws(() => readArray(['1', '2'], 1, readAmount), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => readArray({ length: 1 }, 2, readAmount), { code: 'MALFORMED' });
  });

  it('reads hex of one length, strings, choices and booleans', () => {
    assert.deepEqual(readHex('00ff', 2), Uint8Array.of(0, 255));
    for (const value of ['00f', '00FF', '00fg', '00ff00', 255]) {
      assert.throws(() => readHex(value, 2), { code: 'MALFORMED' });
    }
    assert.equal(readString('abc', 3), 'abc');
    for (const value of ['', 'abcd', 3]) {
      assert.throws(() => readString(value, 3), { code: 'MALFORMED' });
    }
    assert.equal(readOneOf('b', ['a', 'b']), 'b');
    for (const value of ['c', 'A', '', 0]) {
      assert.throws(() => readOneOf(value, ['a', 'b']), { code: 'MALFORMED' });
    }
    assert.equal(readBoolean(false), false);
    for (const value of [0, 'true', '']) {
      assert.throws(() => readBoolean(value), { code: 'MALFORMED' });
    }
  });
});
