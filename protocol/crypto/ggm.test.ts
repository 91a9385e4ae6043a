// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { concatBytes, fromHex, toHex } from './bytes.js';
import { MAXIMUM_EPOCH, PuncturedTree, epochNode, ggmDescend, oneTimeSeed } from './ggm.js';
import { prefix } from './hash.js';
import { sodiumCrypto } from './sodium.js';

interface GgmVectors {
  readonly meterKey: string;
  readonly paper: readonly { readonly path: string; readonly value: string }[];
  readonly epochNodes: readonly { readonly epoch: number; readonly node: string }[];
  readonly oneTimeKeys: readonly { readonly epoch: number; readonly k: number; readonly seed: string }[];
  readonly puncturedTrees: readonly { readonly nextEpoch: number; readonly bytes: string }[];
}

const vectors = frozenVectors<GgmVectors>('ggm');
const meterKey = fromHex(vectors.meterKey);

/** The paper's G_0 and G_1, spelled out. */
function half(bit: 0 | 1, node: Uint8Array): Uint8Array {
  const both = sodiumCrypto.sha512(concatBytes(prefix('G'), node));
  return both.slice(32 * bit, 32 * bit + 32);
}

/** Every node on the way from the root to one of these epochs, in hex. */
function ancestors(epochs: readonly number[]): Set<string> {
  const nodes = new Set<string>();
  for (const epoch of epochs) {
    for (let bits = 0; bits <= 16; bits++) {
      nodes.add(toHex(ggmDescend(sodiumCrypto, meterKey, epoch >>> (16 - bits), bits)));
    }
  }
  return nodes;
}

/** The nodes in a serialised tree, in hex. */
function keptNodes(tree: PuncturedTree): string[] {
  const hex = toHex(tree.toBytes()).slice(8);
  return hex.match(/.{64}/g) ?? [];
}

const epochs = fc.integer({ min: 0, max: MAXIMUM_EPOCH });

describe('GGM tree', () => {
  for (const crypto of BACK_ENDS) {
    it(`matches the frozen vectors (${crypto.name})`, () => {
      for (const { path, value } of vectors.paper) {
        assert.equal(toHex(ggmDescend(crypto, meterKey, Number.parseInt(path, 2), 6)), value);
      }
      for (const { epoch, node } of vectors.epochNodes) {
        assert.equal(toHex(epochNode(crypto, meterKey, epoch)), node);
      }
      for (const { epoch, k, seed } of vectors.oneTimeKeys) {
        assert.equal(toHex(oneTimeSeed(crypto, epochNode(crypto, meterKey, epoch), k)), seed);
      }
      for (const { nextEpoch, bytes } of vectors.puncturedTrees) {
        const tree = PuncturedTree.fromKey(crypto, meterKey, 0);
        if (nextEpoch > 0) {
          tree.puncture(nextEpoch - 1);
        }
        assert.equal(toHex(tree.toBytes()), bytes, `next epoch ${nextEpoch}`);
        assert.equal(toHex(PuncturedTree.fromBytes(crypto, fromHex(bytes)).toBytes()), bytes);
      }
    });
  }

  it("the paper's example: six digits, message 1 is 000001 and message 7 is 000111", () => {
    let [one, seven] = [meterKey, meterKey];
    for (const bit of [0, 0, 0, 0, 0, 1] as const) {
      one = half(bit, one);
    }
    for (const bit of [0, 0, 0, 1, 1, 1] as const) {
      seven = half(bit, seven);
    }
    assert.deepEqual(ggmDescend(sodiumCrypto, meterKey, 0b000001, 6), one);
    assert.deepEqual(ggmDescend(sodiumCrypto, meterKey, 0b000111, 6), seven);
    const leaves = new Set(Array.from({ length: 64 }, (_, i) => toHex(ggmDescend(sodiumCrypto, meterKey, i, 6))));
    assert.equal(leaves.size, 64);
  });

  it('32 levels are 16 of the epoch and 16 of k', () => {
    fc.assert(
      fc.property(epochs, fc.integer({ min: 1, max: 65_535 }), (epoch, k) => {
        const direct = ggmDescend(sodiumCrypto, meterKey, (epoch << 16) | k, 32);
        assert.deepEqual(oneTimeSeed(sodiumCrypto, epochNode(sodiumCrypto, meterKey, epoch), k), direct);
      }),
    );
  });

  it('leaves its input alone', () => {
    const node = meterKey.slice();
    ggmDescend(sodiumCrypto, node, 5, 6);
    assert.deepEqual(node, meterKey);
    assert.deepEqual(ggmDescend(sodiumCrypto, node, 0, 0), meterKey);
  });

  it('refuses epochs and k outside their range', () => {
    for (const epoch of [-1, 65_536, 0.5, Number.NaN]) {
      assert.throws(() => epochNode(sodiumCrypto, meterKey, epoch), { code: 'EPOCH_RANGE' });
    }
    for (const k of [0, -1, 65_536, 1.5]) {
      assert.throws(() => oneTimeSeed(sodiumCrypto, meterKey, k), { code: 'K_RANGE' });
    }
    assert.throws(() => ggmDescend(sodiumCrypto, meterKey.subarray(1), 0, 1), { code: 'BAD_LENGTH' });
  });
});

describe('punctured tree', () => {
  it('gives the epoch nodes of K_i for the present and the future, also after storing', () => {
    fc.assert(
      fc.property(epochs, fc.array(epochs, { maxLength: 4 }), epochs, (first, punctures, wanted) => {
        let tree = PuncturedTree.fromKey(sodiumCrypto, meterKey, first);
        let next = first;
        for (const epoch of punctures) {
          tree.puncture(epoch);
          next = Math.max(next, epoch + 1);
          tree = PuncturedTree.fromBytes(sodiumCrypto, tree.toBytes());
        }
        assert.equal(tree.nextEpoch, next);
        if (wanted < next) {
          assert.throws(() => tree.epochNode(wanted), { code: 'EPOCH_ERASED' });
        } else {
          assert.deepEqual(tree.epochNode(wanted), epochNode(sodiumCrypto, meterKey, wanted));
        }
      }),
    );
  });

  it('keeps no node from which an erased epoch can be derived, and not K_i', () => {
    fc.assert(
      fc.property(epochs, fc.integer({ min: 0, max: 300 }), (first, steps) => {
        const tree = PuncturedTree.fromKey(sodiumCrypto, meterKey, first);
        const last = Math.min(first + steps, MAXIMUM_EPOCH);
        tree.puncture(last);
        // The nearest past epochs and the corners of the tree are where a wrong cover would show.
        const forgotten = ancestors([0, first, last, Math.max(0, last - 1), last >>> 1, last & 0xff00]);
        for (const node of keptNodes(tree)) {
          assert.ok(!forgotten.has(node));
        }
      }),
      { numRuns: 50 },
    );
    const untouched = PuncturedTree.fromKey(sodiumCrypto, meterKey, 0);
    assert.ok(!keptNodes(untouched).includes(toHex(meterKey)));
  });

  it('keeps exactly what covers the rest: every epoch has one kept node above it', () => {
    const tree = PuncturedTree.fromKey(sodiumCrypto, meterKey, 0);
    for (const epoch of [0, 1, 2, 100, 0x7ffe, 0x7fff, 0xfffd]) {
      tree.puncture(epoch);
      const kept = keptNodes(tree);
      for (const future of [epoch + 1, epoch + 2, 0xffff]) {
        const above = ancestors([future]);
        assert.equal(kept.filter((node) => above.has(node)).length, 1, `epoch ${future} after ${epoch}`);
      }
    }
  });

  it('overwrites the memory of what it erases', () => {
    const written: Uint8Array[] = [];
    /** Remembers every array that the tree is given to keep. */
    const spy: typeof sodiumCrypto = {
      ...sodiumCrypto,
      sha512: (data, output) => {
        if (output !== undefined && !written.includes(output)) {
          written.push(output);
        }
        if (!written.includes(data)) {
          written.push(data);
        }
        return sodiumCrypto.sha512(data, output);
      },
    };
    const slice = Uint8Array.prototype.slice;
    const copies: Uint8Array[] = [];
    Uint8Array.prototype.slice = function (this: Uint8Array, ...range: [number?, number?]) {
      const copy = slice.apply(this, range);
      copies.push(copy);
      return copy;
    };
    let tree: PuncturedTree;
    try {
      tree = PuncturedTree.fromKey(spy, meterKey, 6);
      tree.puncture(6);
      tree.puncture(9);
    } finally {
      Uint8Array.prototype.slice = slice;
    }
    const kept = new Set(keptNodes(tree));
    assert.ok(copies.length > 16 && written.length > 16, 'the walk was seen');
    for (const copy of copies) {
      assert.ok(kept.has(toHex(copy)) || copy.every((byte) => byte === 0), 'a forgotten node is still in memory');
    }
    for (const buffer of written) {
      assert.ok(
        buffer.every((byte) => byte === 0),
        'a walk left its buffer behind',
      );
    }
  });

  it('erases once: an earlier epoch again, and the last one', () => {
    const tree = PuncturedTree.fromKey(sodiumCrypto, meterKey, 0);
    tree.puncture(41);
    const state = tree.toBytes();
    tree.puncture(41);
    tree.puncture(7);
    assert.deepEqual(tree.toBytes(), state);
    tree.puncture(MAXIMUM_EPOCH);
    assert.deepEqual(tree.toBytes(), Uint8Array.of(0, 1, 0, 0));
    assert.throws(() => tree.epochNode(MAXIMUM_EPOCH), { code: 'EPOCH_ERASED' });
    tree.puncture(MAXIMUM_EPOCH);
  });

  it('refuses bytes that are not a tree', () => {
    const tree = PuncturedTree.fromKey(sodiumCrypto, meterKey, 5).toBytes();
    for (const bytes of [new Uint8Array(3), tree.subarray(0, -1), concatBytes(tree, tree), Uint8Array.of(0, 0, 0, 5)]) {
      assert.throws(() => PuncturedTree.fromBytes(sodiumCrypto, bytes), { code: 'BAD_LENGTH' });
    }
    assert.throws(() => PuncturedTree.fromBytes(sodiumCrypto, Uint8Array.of(0, 1, 0, 1)), { code: 'EPOCH_RANGE' });
    assert.throws(() => PuncturedTree.fromKey(sodiumCrypto, meterKey, 65_536), { code: 'EPOCH_RANGE' });
    assert.throws(() => PuncturedTree.fromKey(sodiumCrypto, new Uint8Array(31), 0), { code: 'BAD_LENGTH' });
    const fresh = PuncturedTree.fromKey(sodiumCrypto, meterKey, 0);
    assert.throws(() => fresh.epochNode(65_536), { code: 'EPOCH_RANGE' });
    assert.throws(() => fresh.puncture(-1), { code: 'EPOCH_RANGE' });
  });
});
