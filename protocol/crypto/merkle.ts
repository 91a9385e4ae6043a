// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import type { Crypto } from './crypto.js';

// Merkle trees of RFC 9162, 2.1. The prefixes keep a leaf from being read as a node.
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** SHA-256(0x00 ‖ leaf). */
export function leafHash(crypto: Crypto, leaf: Uint8Array): Uint8Array {
  return crypto.sha256(LEAF_PREFIX, leaf);
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(crypto: Crypto, left: Uint8Array, right: Uint8Array): Uint8Array {
  return crypto.sha256(NODE_PREFIX, left, right);
}

/** The level above: neighbours in pairs, and a last one without a neighbour moves up as it is. */
export function parentLevel(crypto: Crypto, level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const right = level[i + 1];
    parents.push(right === undefined ? level[i]! : nodeHash(crypto, level[i]!, right));
  }
  return parents;
}

/** MTH of RFC 9162, 2.1.1; of no leaves it is the hash of the empty string. 32 bytes. */
export function merkleRoot(crypto: Crypto, leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) {
    return crypto.sha256();
  }
  let level = leaves.map((leaf) => leafHash(crypto, leaf));
  while (level.length > 1) {
    level = parentLevel(crypto, level);
  }
  return level[0]!;
}

/**
 * The inclusion proof of RFC 9162, 2.1.3.1: siblings from the leaf upwards.
 *
 * @throws LIMIT_EXCEEDED for an index outside the leaves
 */
export function merklePath(crypto: Crypto, leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new ProtocolError('LIMIT_EXCEEDED', 'leaf index is outside the tree');
  }
  const path: Uint8Array[] = [];
  let level = leaves.map((leaf) => leafHash(crypto, leaf));
  for (let position = index; level.length > 1; position >>>= 1) {
    const sibling = level[position ^ 1];
    if (sibling !== undefined) {
      path.push(sibling);
    }
    level = parentLevel(crypto, level);
  }
  return path;
}

/** A leaf, its place in a tree of `treeSize` leaves, and its inclusion proof. */
export interface MerkleProof {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly treeSize: number;
  readonly path: readonly Uint8Array[];
}

/**
 * The root that an inclusion proof leads to (RFC 9162, 2.1.3.2). The caller compares it with the root it trusts.
 *
 * @throws MALFORMED when the path's length does not fit index and size
 */
export function merkleRootFromPath(crypto: Crypto, { leaf, index, treeSize, path }: MerkleProof): Uint8Array {
  const refuse = (): never => {
    throw new ProtocolError('MALFORMED', 'the path does not fit the tree');
  };
  if (!Number.isInteger(index) || index < 0 || index >= treeSize) {
    refuse();
  }

  /** The root of the subtree of `size` leaves that holds the leaf at `position`, of whose path `length` are left. */
  const subtreeRoot = (position: number, size: number, length: number): Uint8Array => {
    if (size === 1) {
      return length === 0 ? leafHash(crypto, leaf) : refuse();
    }
    const sibling = path[length - 1] ?? refuse();
    const left = 2 ** (31 - Math.clz32(size - 1)); // the largest power of two below size
    return position < left
      ? nodeHash(crypto, subtreeRoot(position, left, length - 1), sibling)
      : nodeHash(crypto, sibling, subtreeRoot(position - left, size - left, length - 1));
  };
  return subtreeRoot(index, treeSize, path.length);
}
