// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  asciiBytes,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  joinBytes,
  readUint128,
  readUint16,
  readUint32,
  readUint64,
  toHex,
  wipe,
  writeUint128,
  writeUint16,
  writeUint32,
  writeUint64,
} from './bytes.js';
import { MAXIMUM_ROWS } from '../ledger/limits.js';

const bytes = fc.uint8Array({ maxLength: 40 });

describe('bytes', () => {
  it('reads back its own hexadecimal, and agrees with Node', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        assert.equal(toHex(value), Buffer.from(value).toString('hex'));
        assert.deepEqual(fromHex(toHex(value)), value);
      }),
    );
  });

  it('refuses hexadecimal in any other spelling', () => {
    for (const text of ['0', 'AB', 'aB', '0x', ' 00', '00\n', 'gg', '０0']) {
      assert.throws(() => fromHex(text), { code: 'MALFORMED' }, JSON.stringify(text));
    }
  });

  it('compares as unsigned bytes, a prefix first', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b));
        assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
      }),
    );
    assert.ok(compareBytes(Uint8Array.of(0x7f), Uint8Array.of(0x80)) < 0);
    assert.ok(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0)) < 0);
  });

  it('joins parts', () => {
    assert.deepEqual(concatBytes(), new Uint8Array(0));
    assert.equal(joinBytes(new Array<Uint8Array>(MAXIMUM_ROWS).fill(Uint8Array.of(1))).length, MAXIMUM_ROWS);
    assert.deepEqual(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3));
  });

  it('accepts ASCII only', () => {
    assert.deepEqual(asciiBytes('A~\0'), Uint8Array.of(0x41, 0x7e, 0));
    assert.throws(() => asciiBytes('é'), { code: 'MALFORMED' });
  });

  it('wipes', () => {
    const secret = Uint8Array.of(1, 2, 3);
    wipe(secret);
    assert.deepEqual(secret, new Uint8Array(3));
  });

  it('writes big endian and reads it back', () => {
    const target = new Uint8Array(32);
    writeUint16(target, 0, 0x0102);
    writeUint32(target, 2, 0x83848586);
    writeUint64(target, 6, 0x8788898a8b8c8d8en);
    writeUint128(target, 14, 0x8f909192939495969798999a9b9c9d9en);
    assert.equal(toHex(target), '01028384858687' + '88898a8b8c8d8e8f909192939495969798999a9b9c9d9e' + '0000');
    assert.equal(readUint16(target, 0), 0x0102);
    assert.equal(readUint32(target, 2), 0x83848586);
    assert.equal(readUint64(target, 6), 0x8788898a8b8c8d8en);
    assert.equal(readUint128(target, 14), 0x8f909192939495969798999a9b9c9d9en);
  });

  it('refuses a number that does not fit and a field outside the bytes', () => {
    const target = new Uint8Array(16);
    for (const value of [-1, 0x1_0000, 1.5, Number.NaN]) {
      assert.throws(() => writeUint16(target, 0, value), { code: 'LIMIT_EXCEEDED' });
    }
    assert.throws(() => writeUint32(target, 0, 2 ** 32), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => writeUint64(target, 0, 1n << 64n), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => writeUint64(target, 0, -1n), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => writeUint128(target, 0, 1n << 128n), { code: 'LIMIT_EXCEEDED' });
    assert.throws(() => writeUint16(target, 15, 0), { code: 'BAD_LENGTH' });
    assert.throws(() => readUint128(target, 1), { code: 'BAD_LENGTH' });
    assert.throws(() => readUint16(target, -1), { code: 'BAD_LENGTH' });
    assert.deepEqual(target, new Uint8Array(16), 'a refused write leaves nothing behind');
  });
});
