// SPDX-License-Identifier: Apache-2.0
import { readUint16, readUint32, requireLength, writeUint16, writeUint32 } from '../crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import type { PseudonymSource } from './pseudonym-scheme.js';

/**
 * Witness of a row, which the control center passes to its own peers in the transient map and never on a ledger: enough
 * to derive the row's pseudonym and key again, and the proof that the meter is registered.
 */
export interface RowWitness extends PseudonymSource {
  /** N_e, 32 bytes. */
  readonly epochNode: Uint8Array;
  /** The leaf's place in the registry and the siblings from the leaf upwards, as `Registry.path` gives them. */
  readonly leafIndex: number;
  readonly siblings: readonly Uint8Array[];
}

const IDENTITY = 0;
const LINK_KEY = 32;
const EPOCH_NODE = 64;
const PREVIOUS = 96;
const METER_NUMBER = 128;
const K = 132;
const LEAF_INDEX = 134;
const SIBLINGS = 138;

/** Bytes of one witness under a registry of this depth: 138 + 32 · depth. */
export function witnessLength(depth: number): number {
  return SIBLINGS + DIGEST_LENGTH * depth;
}

/**
 * Witnesses of one page, in row order, each `witnessLength(depth)` bytes. Their number and the depth are in the
 * page's header entry and in the parameters, so they are not repeated here.
 *
 * @throws BAD_LENGTH, LIMIT_EXCEEDED for a field that does not fit
 */
export function encodeWitnesses(witnesses: readonly RowWitness[], depth: number): Uint8Array {
  const length = witnessLength(depth);
  const bytes = new Uint8Array(length * witnesses.length);
  witnesses.forEach((witness, row) => {
    const record = bytes.subarray(row * length, (row + 1) * length);
    const put = (value: Uint8Array, offset: number, what: string): void => {
      requireLength(value, KEY_LENGTH, what);
      record.set(value, offset);
    };
    put(witness.identity, IDENTITY, 'identity');
    put(witness.linkKey, LINK_KEY, 'link key');
    put(witness.epochNode, EPOCH_NODE, 'epoch node');
    put(witness.previous, PREVIOUS, 'previous pseudonym');
    writeUint32(record, METER_NUMBER, witness.meterNumber);
    writeUint16(record, K, witness.k);
    writeUint32(record, LEAF_INDEX, witness.leafIndex);
    if (witness.siblings.length !== depth) {
      throw new ProtocolError('BAD_LENGTH', `a path of ${depth} siblings is needed`);
    }
    witness.siblings.forEach((sibling, level) => put(sibling, SIBLINGS + DIGEST_LENGTH * level, 'sibling'));
  });
  return bytes;
}

/**
 * The witnesses as views into `bytes`.
 *
 * @param count rows of the page
 * @throws BAD_LENGTH unless there are exactly `count` witnesses of this depth
 */
export function decodeWitnesses(bytes: Uint8Array, count: number, depth: number): RowWitness[] {
  const length = witnessLength(depth);
  requireLength(bytes, length * count, 'witnesses');
  return Array.from({ length: count }, (_, row) => {
    const record = bytes.subarray(row * length, (row + 1) * length);
    const take = (offset: number): Uint8Array => record.subarray(offset, offset + KEY_LENGTH);
    return {
      identity: take(IDENTITY),
      linkKey: take(LINK_KEY),
      epochNode: take(EPOCH_NODE),
      previous: take(PREVIOUS),
      meterNumber: readUint32(record, METER_NUMBER),
      k: readUint16(record, K),
      leafIndex: readUint32(record, LEAF_INDEX),
      siblings: Array.from({ length: depth }, (_sibling, level) => take(SIBLINGS + DIGEST_LENGTH * level)),
    };
  });
}
