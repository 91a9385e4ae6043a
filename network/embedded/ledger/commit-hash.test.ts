// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { commitHash } from './commit-hash.js';
import type { StateUpdate } from './mvcc.js';

/** Blocks 4 to 9 of a channel of Fabric 3.1.5: validation flags, writes, and the commit hash that the peer stored. */
const FABRIC_CHAIN: readonly { codes: string; writes: readonly StateUpdate[]; hash: string }[] = [
  {
    codes: '00',
    writes: [put('a', '1', 4, 0)],
    hash: 'b9a388085dffa06056b782306632324a640888d29efca70cb977b2dc65c0774c',
  },
  {
    codes: '00',
    writes: [put('b', '1', 5, 0)],
    hash: '1c7a060158024727ce58c61d4df9fb107bdb0ba18ae4329fd3fce77f875fa1d5',
  },
  {
    codes: '00',
    writes: [put('t', 'x', 6, 0)],
    hash: '094f003d89ba027c3181692f63a7c6e9d5d7f1c58ab9d4243d0ff31fd4bdcccf',
  },
  {
    codes: '00',
    writes: [{ namespace: 'consumption', key: 'a', version: { block: 7, transaction: 0 }, entry: undefined }],
    hash: 'c47ce497996ccbeb5c50f9858a89ba31b262265e5f79289d2ed94f0fd80c0c94',
  },
  {
    codes: '00',
    writes: [put('r', '1', 8, 0)],
    hash: '52da5824920002e6cd386ba32a4566da9e36a524f8e2779eaa9622174ba7a131',
  },
  {
    codes: '0900',
    writes: [put('r', '2', 9, 1)],
    hash: '043ec7b861e01f54604f3be80d450993e6f543165eb1309cb05b5cb9e8dbdd0e',
  },
];

function put(key: string, value: string, block: number, transaction: number): StateUpdate {
  const version = { block, transaction };
  return { namespace: 'consumption', key, version, entry: { value: Buffer.from(value), version } };
}

describe('commit hash', () => {
  it("is the peer's, over a chain with a deletion and an invalid transaction", () => {
    let previous = Buffer.from('83d0f2e2d85f09de719c899baf71fa648ee263e1334dbae918e828f4d4670f59', 'hex');
    for (const { codes, writes, hash } of FABRIC_CHAIN) {
      previous = Buffer.from(commitHash(Buffer.from(codes, 'hex'), writes, previous));
      assert.equal(previous.toString('hex'), hash);
    }
  });
});
