// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { concatBytes, readUint32, requireLength, wipe, writeUint32 } from './bytes.js';
import { KEY_LENGTH } from './crypto.js';
import type { Crypto } from './crypto.js';
import { prefix } from './hash.js';

/** Levels of the tree that choose the registry epoch, below the meter's key K_i. */
export const EPOCH_BITS = 16;
/** Levels that choose the message, below the epoch node N_e. */
export const MESSAGE_BITS = 16;
export const MAXIMUM_EPOCH = 2 ** EPOCH_BITS - 1;
export const MAXIMUM_K = 2 ** MESSAGE_BITS - 1;

const EPOCHS = MAXIMUM_EPOCH + 1;
const G_PREFIX = prefix('G');

/**
 * Walks down the GGM tree (the paper's Definition 3): per bit of `path`, the most significant first, the left half
 * G_0(x) or the right half G_1(x) of G(x) = SHA-512(prefix(G) ‖ x).
 *
 * @param node 32 bytes; stays as it is
 * @param path an unsigned integer of `bits` bits
 * @param bits levels to walk, 0 to 32
 * @returns the node below, 32 bytes
 */
export function ggmDescend(crypto: Crypto, node: Uint8Array, path: number, bits: number): Uint8Array {
  requireLength(node, KEY_LENGTH, 'tree node');
  const input = concatBytes(G_PREFIX, node);
  const halves = new Uint8Array(2 * KEY_LENGTH);
  for (let bit = bits - 1; bit >= 0; bit--) {
    crypto.sha512(input, halves);
    const start = ((path >>> bit) & 1) * KEY_LENGTH;
    for (let i = 0; i < KEY_LENGTH; i++) {
      input[G_PREFIX.length + i] = halves[start + i]!;
    }
  }
  const result = input.slice(G_PREFIX.length);
  wipe(input);
  wipe(halves);
  return result;
}

/** @throws EPOCH_RANGE unless it is an integer from 0 to 65,535 */
export function requireEpoch(epoch: number): void {
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > MAXIMUM_EPOCH) {
    throw new ProtocolError('EPOCH_RANGE', 'epochs run from 0 to 65,535');
  }
}

/** @throws K_RANGE unless it is an integer from 1 to 65,535 */
export function requireK(k: number): void {
  if (!Number.isInteger(k) || k < 1 || k > MAXIMUM_K) {
    throw new ProtocolError('K_RANGE', 'k runs from 1 to 65,535');
  }
}

/**
 * N_e: the node from which the one-time keys of one epoch hang.
 *
 * @param meterKey K_i, 32 bytes
 * @throws EPOCH_RANGE
 */
export function epochNode(crypto: Crypto, meterKey: Uint8Array, epoch: number): Uint8Array {
  requireEpoch(epoch);
  return ggmDescend(crypto, meterKey, epoch, EPOCH_BITS);
}

/**
 * The seed of the one-time key of message k: f_{K_i}(epoch ‖ k), 32 bytes.
 *
 * @throws K_RANGE
 */
export function oneTimeSeed(crypto: Crypto, node: Uint8Array, k: number): Uint8Array {
  requireK(k);
  return ggmDescend(crypto, node, k, MESSAGE_BITS);
}

/** A kept node: the 32 bytes at the end of the walk of `bits` bits along `path`. */
interface TreeNode {
  readonly path: number;
  readonly bits: number;
  readonly value: Uint8Array;
}

/** Number of nodes that cover the epochs from `next` on: the epoch's own, and a right sibling for each zero bit. */
function coverSize(next: number): number {
  if (next === EPOCHS) {
    return 0;
  }
  let nodes = 1;
  for (let bit = 0; bit < EPOCH_BITS; bit++) {
    nodes += 1 - ((next >>> bit) & 1);
  }
  return nodes;
}

/**
 * Secrets that a meter keeps instead of K_i: the epoch node of the first epoch not yet forgotten, and one node for each
 * subtree to the right of the way to it. No kept node is an ancestor of a forgotten epoch, and K_i is never kept.
 */
export class PuncturedTree {
  readonly #crypto: Crypto;
  #next: number;
  /** In order of epochs: the node of `#next` itself, then subtrees to its right, each higher than the one before. */
  #nodes: readonly TreeNode[];

  private constructor(crypto: Crypto, next: number, nodes: readonly TreeNode[]) {
    this.#crypto = crypto;
    this.#next = next;
    this.#nodes = nodes;
  }

  /**
   * @param meterKey K_i, 32 bytes; the caller wipes it afterwards
   * @param firstEpoch the earliest epoch that the meter will sign in
   * @throws EPOCH_RANGE
   */
  static fromKey(crypto: Crypto, meterKey: Uint8Array, firstEpoch: number): PuncturedTree {
    requireEpoch(firstEpoch);
    requireLength(meterKey, KEY_LENGTH, 'meter key');
    return new PuncturedTree(crypto, firstEpoch, expand(crypto, { path: 0, bits: 0, value: meterKey }, firstEpoch));
  }

  /** The first epoch that is not forgotten; 65,536 when all are. */
  get nextEpoch(): number {
    return this.#next;
  }

  /**
   * N_e of this or a later epoch.
   *
   * @throws EPOCH_ERASED for a forgotten epoch
   * @throws EPOCH_RANGE
   */
  epochNode(epoch: number): Uint8Array {
    const node = this.#cover(epoch);
    return ggmDescend(this.#crypto, node.value, epoch, EPOCH_BITS - node.bits);
  }

  /**
   * Forgets an epoch and all before it, and wipes their nodes. Forgetting twice changes nothing.
   *
   * @throws EPOCH_RANGE
   */
  puncture(epoch: number): void {
    requireEpoch(epoch);
    if (epoch < this.#next) {
      return;
    }
    const next = epoch + 1;
    const kept = next === EPOCHS ? [] : this.#keptFrom(next);
    for (const node of this.#nodes) {
      if (!kept.includes(node)) {
        wipe(node.value);
      }
    }
    this.#next = next;
    this.#nodes = kept;
  }

  /** next epoch (4 bytes) ‖ the kept nodes in order of epochs (32 bytes each). Secret. */
  toBytes(): Uint8Array {
    const header = new Uint8Array(4);
    writeUint32(header, 0, this.#next);
    return concatBytes(header, ...this.#nodes.map((node) => node.value));
  }

  /**
   * @throws BAD_LENGTH when the nodes do not fit the epoch
   * @throws EPOCH_RANGE
   */
  static fromBytes(crypto: Crypto, bytes: Uint8Array): PuncturedTree {
    const next = readUint32(bytes, 0);
    if (next > EPOCHS) {
      throw new ProtocolError('EPOCH_RANGE', 'epochs run from 0 to 65,535');
    }
    requireLength(bytes, 4 + KEY_LENGTH * coverSize(next), 'punctured tree');
    const nodes: TreeNode[] = [];
    let offset = 4;
    const take = (path: number, bits: number): void => {
      nodes.push({ path, bits, value: bytes.slice(offset, offset + KEY_LENGTH) });
      offset += KEY_LENGTH;
    };
    if (next < EPOCHS) {
      take(next, EPOCH_BITS);
    }
    for (let bits = EPOCH_BITS; bits > 0; bits--) {
      const path = next >>> (EPOCH_BITS - bits);
      if (next < EPOCHS && path % 2 === 0) {
        take(path + 1, bits);
      }
    }
    return new PuncturedTree(crypto, next, nodes);
  }

  #cover(epoch: number): TreeNode {
    requireEpoch(epoch);
    const node = this.#nodes.find(({ path, bits }) => epoch >>> (EPOCH_BITS - bits) === path);
    if (node === undefined) {
      throw new ProtocolError('EPOCH_ERASED', 'the keys of this epoch are erased');
    }
    return node;
  }

  #keptFrom(next: number): TreeNode[] {
    const node = this.#cover(next);
    const right = this.#nodes.slice(this.#nodes.indexOf(node) + 1);
    return node.bits === EPOCH_BITS ? [node, ...right] : [...expand(this.#crypto, node, next), ...right];
  }
}

/** The node of `epoch` below `node`, then the subtrees of `node` to the right of it, lowest first. */
function expand(crypto: Crypto, node: TreeNode, epoch: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  let value: Uint8Array = node.value.slice();
  for (let bits = node.bits + 1; bits <= EPOCH_BITS; bits++) {
    const path = epoch >>> (EPOCH_BITS - bits);
    if (path % 2 === 0) {
      nodes.unshift({ path: path + 1, bits, value: ggmDescend(crypto, value, 1, 1) });
    }
    const child = ggmDescend(crypto, value, path, 1);
    wipe(value);
    value = child;
  }
  return [{ path: epoch, bits: EPOCH_BITS, value }, ...nodes];
}
