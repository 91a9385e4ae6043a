// SPDX-License-Identifier: Apache-2.0
import { compareBytes, equalBytes, requireLength, writeUint16, writeUint32 } from '../crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH } from '../crypto/crypto.js';
import type { Crypto } from '../crypto/crypto.js';
import { requireEpoch } from '../crypto/ggm.js';
import { digest, mac } from '../crypto/hash.js';
import { leafHash, nodeHash, parentLevel } from '../crypto/merkle.js';
import { ProtocolError } from '../errors.js';

/** A tree of 2^20 leaves is more than 200 times the largest region; it takes a second to build. */
export const MAXIMUM_REGISTRY_DEPTH = 20;

/**
 * A meter's leaf in the registry of one epoch: SHA-256(prefix(registry) ‖ ID_i ‖ h_e ‖ N_e), 32 bytes. Nobody without
 * h_e and N_e can tell whose leaf it is, or that it is one meter's in two epochs.
 */
export function registryLeaf(
  crypto: Crypto,
  identity: Uint8Array,
  linkKey: Uint8Array,
  epochNode: Uint8Array,
): Uint8Array {
  requireLength(identity, DIGEST_LENGTH, 'identity');
  requireLength(linkKey, KEY_LENGTH, 'link key');
  requireLength(epochNode, KEY_LENGTH, 'epoch node');
  return digest(crypto, 'registry', identity, linkKey, epochNode);
}

/**
 * Padding leaves of one epoch: HMAC-SHA-256(secret, prefix(padding) ‖ epoch ‖ index). They look like meters' leaves,
 * and a restart of the control center makes the same ones.
 *
 * @param secret the control center's, 32 bytes
 */
export function registryPadding(crypto: Crypto, secret: Uint8Array, epoch: number): (index: number) => Uint8Array {
  requireLength(secret, KEY_LENGTH, 'padding secret');
  requireEpoch(epoch);
  return (index) => {
    const position = new Uint8Array(6);
    writeUint16(position, 0, epoch);
    writeUint32(position, 2, index);
    return mac(crypto, 'padding', secret, position);
  };
}

/** The proof that a leaf is in a registry: its place and the siblings from the leaf upwards. */
export interface RegistryPath {
  readonly index: number;
  readonly siblings: readonly Uint8Array[];
}

/** The meters of one epoch as an RFC 9162 tree of 2^depth sorted leaves; the control center builds and keeps it. */
export class Registry {
  readonly depth: number;
  /** Registered meters, without padding. */
  readonly meters: number;
  readonly #leaves: readonly Uint8Array[];
  /** Hashes from the leaves (level 0) to the root (level `depth`). */
  readonly #levels: readonly (readonly Uint8Array[])[];

  /**
   * @param leaves one per meter, from `registryLeaf`, in any order
   * @param padding gives the leaf for each place that no meter takes
   * @throws LIMIT_EXCEEDED when the leaves do not fit, or a depth above 20
   * @throws REGISTRY_INVALID for a duplicate leaf
   */
  constructor(crypto: Crypto, leaves: readonly Uint8Array[], depth: number, padding: (index: number) => Uint8Array) {
    requireDepth(depth);
    const size = 2 ** depth;
    if (leaves.length > size) {
      throw new ProtocolError('LIMIT_EXCEEDED', `${leaves.length} meters in a registry of ${size}`);
    }
    const all = [...leaves];
    for (let index = leaves.length; index < size; index++) {
      all.push(padding(index));
    }
    all.sort(compareBytes);
    for (let i = 1; i < size; i++) {
      if (equalBytes(all[i - 1]!, all[i]!)) {
        throw new ProtocolError('REGISTRY_INVALID', 'duplicate leaf');
      }
    }
    const levels = [all.map((leaf) => leafHash(crypto, leaf))];
    for (let level = 0; level < depth; level++) {
      levels.push(parentLevel(crypto, levels[level]!));
    }
    this.depth = depth;
    this.meters = leaves.length;
    this.#leaves = all;
    this.#levels = levels;
  }

  /** 32 bytes. */
  get root(): Uint8Array {
    return this.#levels[this.depth]![0]!;
  }

  /** @throws UNREGISTERED when the leaf is not in the registry */
  path(leaf: Uint8Array): RegistryPath {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#leaves[middle]!, leaf) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const found = this.#leaves[low];
    if (found === undefined || !equalBytes(found, leaf)) {
      throw new ProtocolError('UNREGISTERED', 'the leaf is not in the registry');
    }
    const siblings: Uint8Array[] = [];
    for (let level = 0; level < this.depth; level++) {
      siblings.push(this.#levels[level]![(low >>> level) ^ 1]!);
    }
    return { index: low, siblings };
  }
}

/**
 * Checks many paths against one root, as a page needs it: a node that has led to the root once is trusted, so later
 * paths end where they meet it. One object per page and root.
 */
export class RegistryPathChecker {
  readonly #crypto: Crypto;
  readonly #depth: number;
  /** Nodes proven to be in the tree, by heap number: the root is 1, the children of n are 2n and 2n + 1. */
  readonly #proven = new Map<number, Uint8Array>();

  /**
   * @param root the trusted root of the epoch, 32 bytes
   * @throws LIMIT_EXCEEDED for a depth above 20
   */
  constructor(crypto: Crypto, root: Uint8Array, depth: number) {
    requireLength(root, DIGEST_LENGTH, 'registry root');
    requireDepth(depth);
    this.#crypto = crypto;
    this.#depth = depth;
    this.#proven.set(1, root);
  }

  /** Tells whether the leaf (32 bytes) is at this place of the registry. */
  check(leaf: Uint8Array, index: number, siblings: readonly Uint8Array[]): boolean {
    if (siblings.length !== this.#depth || !Number.isInteger(index) || index < 0 || index >= 2 ** this.#depth) {
      return false;
    }
    const leafNode = 2 ** this.#depth + index;
    const hashes = [leafHash(this.#crypto, leaf)];
    let level = 0;
    while (!this.#proven.has(leafNode >>> level)) {
      const hash = hashes[level]!;
      const sibling = siblings[level]!;
      hashes.push(
        (index >>> level) % 2 === 1 ? nodeHash(this.#crypto, sibling, hash) : nodeHash(this.#crypto, hash, sibling),
      );
      level++;
    }
    if (!equalBytes(this.#proven.get(leafNode >>> level)!, hashes[level]!)) {
      return false;
    }
    while (level-- > 0) {
      this.#proven.set(leafNode >>> level, hashes[level]!);
    }
    return true;
  }
}

/** @throws LIMIT_EXCEEDED */
function requireDepth(depth: number): void {
  if (!Number.isInteger(depth) || depth < 0 || depth > MAXIMUM_REGISTRY_DEPTH) {
    throw new ProtocolError('LIMIT_EXCEEDED', 'a registry has a depth of 0 to 20');
  }
}
