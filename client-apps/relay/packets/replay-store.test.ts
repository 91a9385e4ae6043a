// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asciiBytes } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ReplayStore } from './replay-store.js';

const key = (): Uint8Array => sodiumCrypto.sha256(asciiBytes('replay test'));
const packetOf = (number: number): Uint8Array => sodiumCrypto.sha256(asciiBytes(`packet ${number}`));

describe('replay store', () => {
  let directory: string;
  let path: string;
  const open = (capacity = 4_096): Promise<ReplayStore> => ReplayStore.open(path, key(), capacity);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-replay-'));
    path = join(directory, 'replay', '7.tags');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('knows what it was given and nothing else, up to its capacity', async () => {
    const store = await open(3_000);
    for (let number = 0; number < 3_000; number++) {
      assert.ok(!store.isFull);
      const tag = store.tag(packetOf(number));
      assert.ok(!store.has(tag));
      store.add(tag);
      assert.ok(store.has(tag));
    }
    assert.ok(store.isFull);
    assert.equal(store.size, 3_000);
    for (let number = 0; number < 6_000; number++) {
      assert.equal(store.has(store.tag(packetOf(number))), number < 3_000);
    }
    await store.close();
  });

  it('has other tags under another key', async () => {
    const store = await open();
    const other = await ReplayStore.open(`${path}.other`, packetOf(0), 10);
    assert.notDeepEqual(store.tag(packetOf(1)), other.tag(packetOf(1)));
    await store.close();
    await other.close();
  });

  it('remembers over a restart, also with a smaller capacity', async () => {
    const store = await open();
    for (let number = 0; number < 2_000; number++) {
      store.add(store.tag(packetOf(number)));
    }
    await store.close();
    const again = await open(1_024);
    assert.equal(again.size, 2_000);
    assert.ok(again.isFull);
    for (let number = 0; number < 2_000; number++) {
      assert.ok(again.has(again.tag(packetOf(number))));
    }
    assert.ok(!again.has(again.tag(packetOf(2_000))));
    await again.close();
  });

  it('cuts off a half-written tag and continues', async () => {
    const store = await open();
    store.add(store.tag(packetOf(1)));
    await store.close();
    await appendFile(path, Uint8Array.of(1, 2, 3));
    const again = await open();
    assert.equal(again.size, 1);
    again.add(again.tag(packetOf(2)));
    await again.close();
    assert.equal((await stat(path)).size, 16);
    const last = await open();
    assert.ok(last.has(last.tag(packetOf(1))) && last.has(last.tag(packetOf(2))));
    await last.close();
  });

  it('writes all that came during a flush with the next one', async () => {
    const store = await open();
    store.add(store.tag(packetOf(1)));
    const first = store.flush();
    for (let number = 2; number < 500; number++) {
      store.add(store.tag(packetOf(number)));
    }
    await first;
    await store.flush();
    assert.equal((await stat(path)).size, 8 * 499);
    await store.close();
  });

  it('is gone with its epoch', async () => {
    const store = await open();
    store.add(store.tag(packetOf(1)));
    void store.flush();
    await store.destroy();
    assert.ok(!existsSync(path));
  });

  it('has on disk what it said was there, when the process is killed at any moment', async function () {
    this.timeout(30_000);
    for (let round = 0; round < 3; round++) {
      const child = fork(
        fileURLToPath(new URL('../../../test/support/replay-store-child.js', import.meta.url)),
        [path],
        {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        },
      );
      let flushed = 0;
      child.on('message', (count) => (flushed = count as number));
      while (flushed < 400 * (round + 1)) {
        await once(child, 'message');
      }
      child.kill('SIGKILL');
      await once(child, 'exit');
      const store = await open(100_000);
      assert.ok(flushed > 0);
      for (let number = 0; number < flushed; number++) {
        assert.ok(store.has(store.tag(packetOf(number))), `${number}`);
      }
      await store.close();
    }
  });
});
