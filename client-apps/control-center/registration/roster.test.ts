// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochNode } from '../../../protocol/crypto/ggm.js';
import { ratchet } from '../../../protocol/crypto/hash.js';
import { sodiumCrypto as crypto } from '../../../protocol/crypto/sodium.js';
import { SealedStore } from '../../runtime/sealed-store.js';
import { Roster } from './roster.js';
import { FileKey } from '../../runtime/sealed-file.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const fileKey = new FileKey(new Uint8Array(32).fill(5), 'control center', 'test');
const none: ReadonlySet<number> = new Set();

describe('client-apps/control-center/registration/roster', () => {
  let directory: string;
  let store: SealedStore;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-roster-'));
    store = await SealedStore.open(join(directory, 'store'), fileKey);
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  const publicKey = crypto.x25519PublicKey(new Uint8Array(32).fill(1));
  const linkKey = random(32);
  const meterKey = random(32);
  const about = { publicKey, firstEpoch: 2, commitment: random(32) };

  it('derives an epoch’s keys once, moves on, and cannot go back', async () => {
    const roster = await Roster.open(store);
    const { meter, changes } = roster.prepare(about, linkKey, meterKey);
    assert.equal(roster.size, 0, 'nothing before the changes are durable');
    await store.batch(changes);
    roster.add(meter);
    assert.equal(roster.countIn(1, none), 0);
    assert.equal((await roster.openEpoch(1, none)).secrets.size, 0);

    const restarted = await Roster.open(store);
    assert.equal(restarted.find(publicKey)?.number, 0);
    const opened = await restarted.openEpoch(3, none);
    const secrets = opened.secrets.get(0)!;
    assert.deepEqual(secrets.linkKey, ratchet(crypto, ratchet(crypto, ratchet(crypto, linkKey))));
    assert.deepEqual(secrets.epochNode, epochNode(crypto, meterKey, 3));
    await store.batch(opened.changes);
    assert.deepEqual((await restarted.loadEpoch(3)).get(0)!.epochNode, secrets.epochNode);
    await assert.rejects(restarted.openEpoch(3, none), { code: 'EPOCH_ERASED' });
    assert.deepEqual(
      (await restarted.openEpoch(4, none)).secrets.get(0)!.linkKey,
      ratchet(crypto, opened.secrets.get(0)!.linkKey),
    );
  });
});
