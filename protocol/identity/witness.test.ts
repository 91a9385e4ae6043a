// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { frozenVectors } from '../../test/support/frozen-vectors.js';
import { fromHex, toHex } from '../crypto/bytes.js';
import { decodeWitnesses, encodeWitnesses, witnessLength } from './witness.js';
import type { RowWitness } from './witness.js';

interface WitnessVectors {
  readonly depth: number;
  readonly witnesses: readonly {
    readonly identity: string;
    readonly linkKey: string;
    readonly epochNode: string;
    readonly previous: string;
    readonly meterNumber: number;
    readonly k: number;
    readonly leafIndex: number;
    readonly siblings: readonly string[];
  }[];
  readonly bytes: string;
}

describe('witnesses', () => {
  const vectors = frozenVectors<WitnessVectors>('witness');
  const { depth } = vectors;
  const witnesses: RowWitness[] = vectors.witnesses.map((witness) => ({
    ...witness,
    identity: fromHex(witness.identity),
    linkKey: fromHex(witness.linkKey),
    epochNode: fromHex(witness.epochNode),
    previous: fromHex(witness.previous),
    siblings: witness.siblings.map(fromHex),
  }));

  it('match the frozen vectors', () => {
    assert.equal(toHex(encodeWitnesses(witnesses, depth)), vectors.bytes);
    assert.equal(vectors.bytes.length / 2, witnesses.length * witnessLength(depth));
    assert.deepEqual(decodeWitnesses(fromHex(vectors.bytes), witnesses.length, depth), witnesses);
  });

  it('refuse any other length', () => {
    const bytes = fromHex(vectors.bytes);
    const refused = { code: 'BAD_LENGTH' };
    assert.throws(() => decodeWitnesses(bytes, 1, depth), refused);
    assert.throws(() => decodeWitnesses(bytes, 2, depth + 1), refused);
    assert.throws(() => decodeWitnesses(bytes.subarray(1), 2, depth), refused);
    assert.deepEqual(decodeWitnesses(new Uint8Array(0), 0, depth), []);
  });

  it('refuse fields that do not fit', () => {
    const [witness] = witnesses;
    const encode = (change: Partial<RowWitness>) => () => encodeWitnesses([{ ...witness!, ...change }], depth);
    assert.throws(encode({ linkKey: new Uint8Array(31) }), { code: 'BAD_LENGTH' });
    assert.throws(encode({ siblings: witness!.siblings.slice(1) }), { code: 'BAD_LENGTH' });
    assert.throws(encode({ siblings: witness!.siblings.map((sibling) => sibling.subarray(1)) }), {
      code: 'BAD_LENGTH',
    });
    assert.throws(encode({ k: 65_536 }), { code: 'LIMIT_EXCEEDED' });
    assert.throws(encode({ meterNumber: 2 ** 32 }), { code: 'LIMIT_EXCEEDED' });
    assert.throws(encode({ leafIndex: -1 }), { code: 'LIMIT_EXCEEDED' });
  });
});
