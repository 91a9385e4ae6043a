// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { fromHex, toHex } from './bytes.js';
import { leafHash, merklePath, merkleRoot, merkleRootFromPath, nodeHash } from './merkle.js';
import { sodiumCrypto } from './sodium.js';

/** Leaves and roots of the Certificate Transparency reference implementation; roots[n] is of the first n leaves. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  fromHex,
);
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** The definition of RFC 9162, 2.1.1, word for word. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) {
    return leafHash(sodiumCrypto, leaves[0]!);
  }
  let split = 1;
  while (split * 2 < leaves.length) {
    split *= 2;
  }
  return nodeHash(sodiumCrypto, treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

const numbered = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => Uint8Array.of(i >> 8, i));

describe('Merkle trees', () => {
  for (const crypto of BACK_ENDS) {
    it(`known roots with ${crypto.name}`, () => {
      ROOTS.forEach((root, count) => assert.equal(toHex(merkleRoot(crypto, LEAVES.slice(0, count))), root));
    });
  }

  it('root and every path follow the definition', () => {
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33, 100]) {
      const leaves = numbered(count);
      const root = treeHash(leaves);
      assert.deepEqual(merkleRoot(sodiumCrypto, leaves), root);
      for (let index = 0; index < count; index++) {
        const path = merklePath(sodiumCrypto, leaves, index);
        assert.deepEqual(
          merkleRootFromPath(sodiumCrypto, { leaf: leaves[index]!, index, treeSize: count, path }),
          root,
        );
      }
    }
  });

  it('a path proves one leaf at one place only', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), fc.nat(), (count, a, b) => {
        const [index, other] = [a % count, b % count];
        fc.pre(index !== other);
        const leaves = numbered(count);
        const root = merkleRoot(sodiumCrypto, leaves);
        const path = merklePath(sodiumCrypto, leaves, index);
        const lead = (leaf: Uint8Array, at: number): string => {
          try {
            return toHex(merkleRootFromPath(sodiumCrypto, { leaf, index: at, treeSize: count, path }));
          } catch (error) {
            return (error as { code: string }).code;
          }
        };
        assert.notEqual(lead(leaves[other]!, index), toHex(root));
        assert.notEqual(lead(leaves[index]!, other), toHex(root));
      }),
    );
  });

  it('refuses a path that does not fit', () => {
    const leaves = numbered(5);
    const path = merklePath(sodiumCrypto, leaves, 1);
    const refused = { code: 'MALFORMED' };
    const leaf = leaves[1]!;
    assert.throws(
      () => merkleRootFromPath(sodiumCrypto, { leaf, index: 1, treeSize: 5, path: path.slice(1) }),
      refused,
    );
    assert.throws(
      () => merkleRootFromPath(sodiumCrypto, { leaf, index: 1, treeSize: 5, path: [...path, leaf] }),
      refused,
    );
    for (const index of [-1, 5, 0.5, Number.NaN]) {
      assert.throws(() => merkleRootFromPath(sodiumCrypto, { leaf, index, treeSize: 5, path }), refused);
      assert.throws(() => merklePath(sodiumCrypto, leaves, index), { code: 'LIMIT_EXCEEDED' });
    }
    assert.throws(() => merkleRootFromPath(sodiumCrypto, { leaf, index: 0, treeSize: 0, path: [] }), refused);
  });
});
