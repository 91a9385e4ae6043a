// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochNode } from '../../protocol/crypto/ggm.js';
import { ratchet } from '../../protocol/crypto/hash.js';
import { sodiumCrypto as crypto } from '../../protocol/crypto/sodium.js';
import { chainPseudonyms } from '../../protocol/identity/pseudonym.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { RegionKit } from '../../test/support/region.js';
import { SealedStore, type StoreChange } from '../runtime/sealed-store.js';
import { EnrolmentCodes, codeDigest, makeEnrolmentCodes } from './registration/enrolment-codes.js';
import { GroupCommit } from './intake/group-commit.js';
import {
  decodeClosing,
  decodeSettling,
  encodeClosing,
  encodeSettling,
  nextToFreeze,
  nextToSettle,
} from './intervals/progress.js';
import { MAXIMUM_FORWARD_JUMP, PseudonymChain } from './intake/pseudonym-chain.js';
import { Roster } from './registration/roster.js';
import { decodeTakenPacket, encodeTakenPacket } from './intake/taken-packet.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const fileKey = new Uint8Array(32).fill(5);
const nobody: ReadonlySet<number> = new Set();

describe('client-apps/control-center state', () => {
  let directory: string;
  let store: SealedStore;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-state-'));
    store = await SealedStore.open(join(directory, 'store'), fileKey);
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  describe('roster', () => {
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
      assert.equal(roster.countIn(1, nobody), 0);
      assert.equal((await roster.openEpoch(1, nobody)).secrets.size, 0);

      const restarted = await Roster.open(store);
      assert.equal(restarted.find(publicKey)?.number, 0);
      const opened = await restarted.openEpoch(3, nobody);
      const secrets = opened.secrets.get(0)!;
      assert.deepEqual(secrets.linkKey, ratchet(crypto, ratchet(crypto, ratchet(crypto, linkKey))));
      assert.deepEqual(secrets.epochNode, epochNode(crypto, meterKey, 3));
      await store.batch(opened.changes);
      assert.deepEqual((await restarted.loadEpoch(3)).get(0)!.epochNode, secrets.epochNode);
      await assert.rejects(restarted.openEpoch(3, nobody), { code: 'EPOCH_ERASED' });
      assert.deepEqual(
        (await restarted.openEpoch(4, nobody)).secrets.get(0)!.linkKey,
        ratchet(crypto, opened.secrets.get(0)!.linkKey),
      );
    });
  });

  describe('pseudonym chain', () => {
    const key = random(32);
    const identity = random(32);
    const pseudonym = (k: number): Uint8Array => chainPseudonyms.advance(crypto, key, identity, k);

    it('derives from the nearest known message, forward and between', () => {
      const chain = PseudonymChain.start(identity);
      assert.deepEqual(chain.previous(chainPseudonyms, key, 1), identity);
      assert.deepEqual(chain.previous(chainPseudonyms, key, 10), pseudonym(9));
      chain.take(10, pseudonym(10));
      assert.deepEqual(chain.previous(chainPseudonyms, key, 4), pseudonym(3));
      assert.deepEqual(chain.previous(chainPseudonyms, key, 11), pseudonym(10));
      assert.deepEqual(chain.taken(10), pseudonym(10));
      assert.equal(chain.taken(4), undefined);
    });

    it('keeps its base over a restart and forgets what lies behind', () => {
      const chain = PseudonymChain.start(identity);
      chain.take(5, pseudonym(5));
      chain.take(7, pseudonym(7));
      chain.moveBase(5);
      const restored = PseudonymChain.fromBytes(chain.toBytes());
      for (const one of [chain, restored]) {
        assert.equal(one.previous(chainPseudonyms, key, 5), undefined);
        assert.deepEqual(one.previous(chainPseudonyms, key, 6), pseudonym(5));
      }
      assert.deepEqual(chain.taken(7), pseudonym(7), 'a later interval’s row is not forgotten');
    });

    it('bounds the jump from the newest message', () => {
      const chain = PseudonymChain.start(identity);
      assert.ok(chain.previous(chainPseudonyms, key, MAXIMUM_FORWARD_JUMP) !== undefined);
      assert.equal(chain.previous(chainPseudonyms, key, MAXIMUM_FORWARD_JUMP + 1), undefined);
      assert.equal(chain.previous(chainPseudonyms, key, 0), undefined);
    });
  });

  describe('codes', () => {
    it('stores digests only, and finds batches made while it runs', async () => {
      const codes = new EnrolmentCodes(directory, fileKey, []);
      const [meter] = await makeEnrolmentCodes(directory, fileKey, random, 'meter', 3);
      assert.equal(await codes.roleOf(codeDigest(meter!)), 'meter');
      const [hub] = await makeEnrolmentCodes(directory, fileKey, random, 'hub', 1);
      assert.equal(await codes.roleOf(codeDigest(hub!)), 'hub');
      assert.equal(await codes.roleOf(codeDigest(random(16))), undefined);
      assert.equal((await readdir(join(directory, 'codes'))).length, 2);
      await assert.rejects(makeEnrolmentCodes(directory, fileKey, random, 'hub', 0), { code: 'LIMIT_EXCEEDED' });
    });
  });

  describe('group commit', () => {
    it('writes what comes during a flush together, in order, and tells each when it is durable', async () => {
      const batches: string[][] = [];
      let release: () => void = () => undefined;
      const slow = {
        batch: (changes: StoreChange[]) => {
          batches.push(changes.map(({ key }) => key));
          return new Promise<void>((resolve) => (release = resolve));
        },
      };
      const journal = new GroupCommit(slow as unknown as SealedStore);
      const done: string[] = [];
      const add = (key: string): Promise<unknown> => journal.add([{ key }]).then(() => done.push(key));
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      const adding = [add('a'), add('b')];
      await turn();
      adding.push(add('c'), add('d'));
      await turn();
      assert.deepEqual([batches, done], [[['a', 'b']], []]);
      release();
      await turn();
      assert.deepEqual(done, ['a', 'b']);
      const drained = journal.drain().then(() => done.push('drained'));
      release();
      await Promise.all([...adding, drained]);
      assert.deepEqual(batches, [
        ['a', 'b'],
        ['c', 'd'],
      ]);
      assert.equal(done.at(-1), 'drained');
    });
  });

  describe('records', () => {
    it('read back as they were written', () => {
      const row = { meterNumber: 7, k: 300, previous: random(32), row: random(177) };
      const packet = { meterNumber: 7, slotStartSeconds: 1_384_128_300, rows: [row, { ...row, k: 301 }] };
      assert.deepEqual(decodeTakenPacket(encodeTakenPacket(packet)), packet);
      const empty = { ...packet, rows: [] };
      assert.deepEqual(decodeTakenPacket(encodeTakenPacket(empty)), empty);

      const kit = new RegionKit();
      const interval = new IntervalMaker(kit).next([0, 0, 0, 0, 0]);
      const begun = { firstStartSeconds: kit.startOf(0) };
      const closing = { ...begun, consumption: interval.consumption.seal };
      const settling = { pricing: interval.pricing.seal, billing: interval.billing.seal };
      assert.deepEqual(decodeClosing(encodeClosing(begun)), begun);
      assert.deepEqual(decodeClosing(encodeClosing(closing)), closing);
      assert.deepEqual(decodeSettling(encodeSettling(settling)), settling);
      assert.deepEqual(
        [begun, closing].map((progress) => nextToFreeze(progress, { intervalSeconds: 1_800 })),
        [kit.startOf(0), kit.startOf(1)],
      );
      assert.deepEqual(
        [undefined, settling].map((progress) => nextToSettle(closing, progress, { intervalSeconds: 1_800 })),
        [kit.startOf(0), kit.startOf(1)],
      );
    });
  });
});
