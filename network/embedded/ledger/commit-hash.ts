// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { BinaryWriter } from 'google-protobuf';
import type { StateUpdate } from './mvcc.js';

/** Field numbers of Fabric's txmgr.Updates and txmgr.KVWrite, which its published protos do not have. */
const UPDATES_WRITES = 1;
const WRITE = { namespace: 1, key: 3, isDelete: 4, value: 5, version: 6 } as const;

/**
 * Hash that chains validation flags and state changes of all blocks, as Fabric computes it: two peers whose state
 * differs have different commit hashes.
 * SHA-256 of varint(number of transactions) ‖ validation flags ‖ txmgr.Updates ‖ previous commit hash.
 * @param updates in the order of namespace and key.
 * @param previous empty for block 1.
 */
export function commitHash(codes: Uint8Array, updates: readonly StateUpdate[], previous: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update(varint(codes.length))
    .update(codes)
    .update(encodeUpdates(updates))
    .update(previous)
    .digest();
}

/** Only the first write of a namespace contains its name. */
function encodeUpdates(updates: readonly StateUpdate[]): Uint8Array {
  const writer = new BinaryWriter();
  let namespace = '';
  for (const update of updates) {
    writer.writeMessage(UPDATES_WRITES, update, (_, inner: BinaryWriter) => {
      if (update.namespace !== namespace) {
        inner.writeString(WRITE.namespace, update.namespace);
        namespace = update.namespace;
      }
      inner.writeBytes(WRITE.key, Buffer.from(update.key));
      if (update.entry === undefined) {
        inner.writeBool(WRITE.isDelete, true);
      } else {
        inner.writeBytes(WRITE.value, update.entry.value);
      }
      inner.writeBytes(
        WRITE.version,
        Buffer.concat([counted(update.version.block), counted(update.version.transaction)]),
      );
    });
  }
  return writer.getResultBuffer();
}

/** A number as its length in bytes, then its big-endian bytes without leading zeros. */
function counted(number: number): Uint8Array {
  const bytes = Buffer.alloc(9);
  bytes.writeBigUInt64BE(BigInt(number), 1);
  let first = 1;
  while (first < bytes.length && bytes[first] === 0) {
    first++;
  }
  bytes[first - 1] = bytes.length - first;
  return bytes.subarray(first - 1);
}

function varint(number: number): Uint8Array {
  const bytes: number[] = [];
  let rest = number;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Uint8Array.of(...bytes, rest);
}
