// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPartySecrets } from './party-secret.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const fileKey = new Uint8Array(32).fill(1);
const seed = new Uint8Array(32).fill(2);

describe('client-apps/runtime/party-secret', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-secret-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const load = (party = 'test', from?: Uint8Array) => loadPartySecrets(party, directory, fileKey, random, from);

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
});
