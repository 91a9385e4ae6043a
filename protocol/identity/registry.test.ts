// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { fromHex, toHex } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { merkleRootFromPath } from '../crypto/merkle.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { Registry, RegistryPathChecker, registryLeaf, registryPadding } from './registry.js';

interface RegistryVectors {
  readonly paddingSecret: string;
  readonly epoch: number;
  readonly depth: number;
  readonly meters: readonly {
    readonly identity: string;
    readonly linkKey: string;
    readonly epochNode: string;
    readonly leaf: string;
    readonly index: number;
    readonly siblings: readonly string[];
  }[];
  readonly padding: readonly string[];
  readonly root: string;
}

const vectors = frozenVectors<RegistryVectors>('registry');
const secret = fromHex(vectors.paddingSecret);
const leaves = vectors.meters.map(({ leaf }) => fromHex(leaf));

function build(crypto: Crypto, from = leaves, depth = vectors.depth): Registry {
  return new Registry(crypto, from, depth, registryPadding(crypto, secret, vectors.epoch));
}

describe('registry', () => {
  for (const crypto of BACK_ENDS) {
    it(`matches the frozen vectors (${crypto.name})`, () => {
      const padding = registryPadding(crypto, secret, vectors.epoch);
      assert.deepEqual(
        vectors.padding.map((_, i) => toHex(padding(leaves.length + i))),
        vectors.padding,
      );
      const registry = build(crypto);
      assert.equal(toHex(registry.root), vectors.root);
      assert.equal(registry.meters, vectors.meters.length);
      for (const { identity, linkKey, epochNode, leaf, index, siblings } of vectors.meters) {
        assert.equal(toHex(registryLeaf(crypto, fromHex(identity), fromHex(linkKey), fromHex(epochNode))), leaf);
        const path = registry.path(fromHex(leaf));
        assert.equal(path.index, index);
        assert.deepEqual(path.siblings.map(toHex), siblings);
      }
    });
  }

  it('is an RFC 9162 tree, whatever the order of the meters', () => {
    const registry = build(sodiumCrypto, [...leaves].reverse());
    assert.equal(toHex(registry.root), vectors.root);
    for (const leaf of leaves) {
      const { index, siblings } = registry.path(leaf);
      assert.deepEqual(
        merkleRootFromPath(sodiumCrypto, { leaf, index, treeSize: 2 ** vectors.depth, path: siblings }),
        registry.root,
      );
    }
  });

  it('has the same size with no meter and full of meters', () => {
    const empty = build(sodiumCrypto, []);
    assert.equal(empty.meters, 0);
    const many = Array.from({ length: 16 }, (_, i) => new Uint8Array(32).fill(i + 1));
    const full = build(sodiumCrypto, many);
    assert.equal(full.path(many[3]!).siblings.length, empty.path(fromHexPadding(7)).siblings.length);
    assert.throws(() => build(sodiumCrypto, [...many, leaves[0]!]), { code: 'LIMIT_EXCEEDED' });
    const single = build(sodiumCrypto, [leaves[0]!], 0);
    assert.deepEqual(single.path(leaves[0]!), { index: 0, siblings: [] });
    assert.ok(new RegistryPathChecker(sodiumCrypto, single.root, 0).check(leaves[0]!, 0, []));
  });

  it('refuses a meter twice, a stranger, and a depth above 20', () => {
    assert.throws(() => build(sodiumCrypto, [leaves[0]!, leaves[1]!, leaves[0]!]), { code: 'REGISTRY_INVALID' });
    assert.throws(() => build(sodiumCrypto).path(new Uint8Array(32)), { code: 'UNREGISTERED' });
    assert.throws(() => build(sodiumCrypto).path(new Uint8Array(32).fill(255)), { code: 'UNREGISTERED' });
    for (const depth of [-1, 21, 1.5]) {
      assert.throws(() => build(sodiumCrypto, [], depth), { code: 'LIMIT_EXCEEDED' });
      assert.throws(() => new RegistryPathChecker(sodiumCrypto, secret, depth), { code: 'LIMIT_EXCEEDED' });
    }
  });

  it('padding differs by epoch', () => {
    const other = registryPadding(sodiumCrypto, secret, vectors.epoch + 1);
    assert.notDeepEqual(other(5), fromHexPadding(5));
  });
});

function fromHexPadding(index: number): Uint8Array {
  return registryPadding(sodiumCrypto, secret, vectors.epoch)(index);
}

describe('registry path checker', () => {
  const DEPTH = 6;
  const padding = registryPadding(sodiumCrypto, secret, 0);
  const all = Array.from({ length: 2 ** DEPTH }, (_, i) => padding(i));
  const registry = new Registry(sodiumCrypto, all, DEPTH, padding);

  it('accepts every leaf, in any order and again, and stays right after refusals', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** DEPTH - 1), { maxLength: 80 }), fc.nat(), (picks, seed) => {
        const checker = new RegistryPathChecker(sodiumCrypto, registry.root, DEPTH);
        picks.forEach((pick, turn) => {
          const { index, siblings } = registry.path(all[pick]!);
          const stranger = all[pick]!.slice();
          stranger[seed % 32]! ^= 1;
          assert.equal(checker.check(stranger, index, siblings), false, 'another leaf');
          assert.equal(checker.check(all[pick]!, index ^ 1, siblings), false, 'another place');
          assert.equal(checker.check(all[pick]!, index, siblings), true, `turn ${turn}`);
        });
      }),
    );
  });

  it('refuses a changed sibling while it still matters, and a path of another length', () => {
    const { index, siblings } = registry.path(all[0]!);
    for (let level = 0; level < DEPTH; level++) {
      const changed = siblings.map((sibling) => sibling.slice());
      changed[level]![0]! ^= 1;
      const checker = new RegistryPathChecker(sodiumCrypto, registry.root, DEPTH);
      assert.equal(checker.check(all[0]!, index, changed), false);
    }
    const checker = new RegistryPathChecker(sodiumCrypto, registry.root, DEPTH);
    assert.equal(checker.check(all[0]!, index, siblings.slice(1)), false);
    assert.equal(checker.check(all[0]!, index, [...siblings, all[1]!]), false);
    for (const place of [-1, 2 ** DEPTH, index + 0.5, Number.NaN]) {
      assert.equal(checker.check(all[0]!, place, siblings), false);
    }
  });

  it('a refused path teaches nothing', () => {
    const checker = new RegistryPathChecker(sodiumCrypto, registry.root, DEPTH);
    const forged = Array.from({ length: DEPTH }, (_, i) => new Uint8Array(32).fill(i));
    assert.equal(checker.check(all[0]!, 0, forged), false);
    assert.equal(checker.check(all[0]!, 0, forged), false, 'not even the second time');
  });

  it('follows another root', () => {
    const { index, siblings } = registry.path(all[0]!);
    assert.equal(new RegistryPathChecker(sodiumCrypto, secret, DEPTH).check(all[0]!, index, siblings), false);
  });
});
