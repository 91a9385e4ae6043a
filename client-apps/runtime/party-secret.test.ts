// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { hkdfSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveSecret, loadPartySecrets, loadSecret } from './party-secret.js';
import { FileKey, SealedFile } from './sealed-file.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const fileKey = new FileKey(new Uint8Array(32).fill(1), 'test', 'one');
const seed = new Uint8Array(32).fill(2);

describe('client-apps/runtime/party-secret', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-secret-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const load = (party = 'test', from?: Uint8Array) =>
    loadPartySecrets(party, { directory, fileKey, random, seed: from });

  it('makes random secrets once, a different one for each name', async () => {
    const made = await load();
    const again = await load();
    assert.deepEqual(made('a'), again('a'));
    assert.notDeepEqual(made('a'), made('b'));
    assert.equal(made('a').length, 32);
  });

  it('fixes them by the seed, per party', async () => {
    const made = (await load('test', seed))('a');
    await rm(directory, { recursive: true });
    assert.deepEqual((await load('test', seed))('a'), made);
    await rm(directory, { recursive: true });
    assert.notDeepEqual((await load('other', seed))('a'), made);
  });

  it('refuses a directory that holds the secrets of another seed, or random ones', async () => {
    await load('test', seed);
    await assert.rejects(load('test', new Uint8Array(32).fill(3)), { code: 'STATE_CONFLICT' });
    await rm(directory, { recursive: true });
    await load();
    await assert.rejects(load('test', seed), { code: 'STATE_CONFLICT' });
  });

  it('keeps its derivations: every stored secret depends on them', () => {
    const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
    const expected = (info: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', info, 32));
    for (const [party, name] of [
      ['relay', 'onion'],
      ['hub', 'secret'],
      ['meter', 'sk_i'],
      ['demo', 'hub 1'],
    ] as const) {
      assert.deepEqual(Buffer.from(deriveSecret(party, secret, name)), expected(`gridveil ${party} ${name}`));
    }
  });

  it('gives one secret to a file, and bytes that may be wiped', async () => {
    const file = new SealedFile(join(directory, 'secret'), fileKey);
    const made = await loadSecret(file, random, seed);
    made.fill(0);
    assert.deepEqual(await loadSecret(file, random, seed), new Uint8Array(32).fill(2));
    assert.deepEqual(await loadSecret(file, random, undefined), new Uint8Array(32).fill(2));
    await assert.rejects(loadSecret(file, random, new Uint8Array(32).fill(3)), { code: 'STATE_CONFLICT' });
  });
});
