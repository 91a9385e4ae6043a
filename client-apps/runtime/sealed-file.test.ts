// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { temporaryPath } from './atomic-file.js';
import { createFileKey, FILE_KEY_LENGTH, FileKey, loadFileKey, SealedFile } from './sealed-file.js';
import { SealedStore } from './sealed-store.js';

const bytes = new Uint8Array(FILE_KEY_LENGTH).fill(7);
const key = new FileKey(bytes, 'meter', 'a');
const otherKey = new FileKey(new Uint8Array(FILE_KEY_LENGTH), 'meter', 'a');
const secret = new TextEncoder().encode('a planted secret that must not be found');

describe('client-apps/runtime/sealed-file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-sealed-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('gives back what was written, from a file only its owner can read and that shows nothing of it', async () => {
    const file = new SealedFile(join(directory, 'new', 'keys'), key);
    assert.equal(await file.read(), undefined);
    await file.write(secret);
    assert.deepEqual(new Uint8Array((await file.read())!), secret);
    assert.equal((await stat(file.path)).mode & 0o777, 0o600);
    assert.equal((await readFile(file.path)).includes(Buffer.from(secret.subarray(0, 8))), false);
  });

  it('refuses any changed byte, a cut file, another key and a file moved to another name', async () => {
    const file = new SealedFile(join(directory, 'keys'), key);
    await file.write(secret);
    const sealed = await readFile(file.path);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index]! ^= 1;
      await writeFile(file.path, changed);
      await assert.rejects(file.read(), { code: 'SEALED_INVALID' }, `byte ${index}`);
    }
    for (const length of [0, 3, 27, sealed.length - 1]) {
      await writeFile(file.path, sealed.subarray(0, length));
      await assert.rejects(file.read(), { code: 'SEALED_INVALID' }, `length ${length}`);
    }
    await writeFile(file.path, sealed);
    await assert.rejects(new SealedFile(file.path, otherKey).read(), { code: 'SEALED_INVALID' });
    await rename(file.path, join(directory, 'other'));
    await assert.rejects(new SealedFile(join(directory, 'other'), key).read(), { code: 'SEALED_INVALID' });
  });

  it('refuses the file of another party under the same key, and names both', async () => {
    const [one, other] = ['one', 'other'].map((name) => {
      return new SealedFile(join(directory, name, 'meter.sealed'), new FileKey(bytes, 'meter', name));
    });
    await one!.write(secret);
    await other!.write(Uint8Array.of(1));
    const kept = await readFile(one!.path);
    await rename(other!.path, one!.path);
    await writeFile(other!.path, kept);
    await assert.rejects(one!.read(), {
      code: 'WRONG_PARTY',
      message: `${one!.path}: expected a file of meter one, got one of meter other`,
    });
    await assert.rejects(other!.read(), { code: 'WRONG_PARTY' });
    const hub = new SealedFile(one!.path, new FileKey(bytes, 'hub', 'other'));
    await assert.rejects(hub.read(), { code: 'WRONG_PARTY' });
    const renamed = Buffer.from(kept);
    renamed.write('meter two', 5);
    await writeFile(other!.path, renamed);
    await assert.rejects(other!.read(), { code: 'SEALED_INVALID' }, 'the name is authenticated');
  });

  it('keeps the old bytes when a crash leaves the new ones half-written', async () => {
    const file = new SealedFile(join(directory, 'keys'), key);
    await file.write(secret);
    await writeFile(temporaryPath(file.path), 'half', { mode: 0o644 });
    assert.deepEqual(new Uint8Array((await file.read())!), secret);
    await file.write(Uint8Array.of(1));
    assert.deepEqual(new Uint8Array((await file.read())!), Uint8Array.of(1));
    assert.equal((await stat(file.path)).mode & 0o777, 0o600);
  });

  it('writes in the order of the calls', async () => {
    const file = new SealedFile(join(directory, 'keys'), key);
    await Promise.all(Array.from({ length: 20 }, (_, index) => file.write(Uint8Array.of(index))));
    assert.deepEqual(new Uint8Array((await file.read())!), Uint8Array.of(19));
  });

  it('reads its key from GRIDVEIL_KEY_FILE and refuses one that others can read or that is not a key', async () => {
    const path = join(directory, 'file.key');
    await createFileKey(path);
    const made = await loadFileKey({ GRIDVEIL_KEY_FILE: path });
    assert.equal(made.length, FILE_KEY_LENGTH);
    await createFileKey(path);
    assert.deepEqual(await loadFileKey({ GRIDVEIL_KEY_FILE: path }), made, 'an existing key is kept');
    await chmod(path, 0o640);
    await assert.rejects(loadFileKey({ GRIDVEIL_KEY_FILE: path }), { code: 'KEY_FILE' });
    await chmod(path, 0o600);
    for (const text of ['abcd\n', 'a key of words']) {
      await writeFile(path, text);
      await assert.rejects(loadFileKey({ GRIDVEIL_KEY_FILE: path }), {
        code: 'KEY_FILE',
        message: `key file ${path}: expected 64 lower-case hexadecimal digits`,
      });
    }
    await assert.rejects(loadFileKey({}), { code: 'KEY_FILE' });
    await assert.rejects(loadFileKey({ GRIDVEIL_KEY_FILE: join(directory, 'absent') }), { code: 'KEY_FILE' });
  });
});

describe('client-apps/runtime/sealed-store', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-store-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('keeps batches over a restart, iterates a prefix in order, and deletes', async () => {
    const store = await SealedStore.open(join(directory, 'store'), key);
    await store.batch([
      { key: 'row/2', value: Uint8Array.of(2) },
      { key: 'row/1', value: Uint8Array.of(1) },
      { key: 'rox', value: Uint8Array.of(3) },
    ]);
    await store.batch([{ key: 'rox' }, { key: 'row/3', value: Uint8Array.of(9) }]);
    await store.close();
    const again = await SealedStore.open(join(directory, 'store'), key);
    const found: [string, number[]][] = [];
    for await (const [name, value] of again.iterate('row/')) {
      found.push([name, [...value]]);
    }
    assert.deepEqual(found, [
      ['row/1', [1]],
      ['row/2', [2]],
      ['row/3', [9]],
    ]);
    assert.equal(await again.get('rox'), undefined);
    await again.close();
  });

  it('has no trace of a deleted or replaced value in its files once it is compacted', async () => {
    const path = join(directory, 'store');
    // Random bytes cannot be compressed, so a sealed value stands in LevelDB's files as it is.
    const sealedValue = async (name: string): Promise<Buffer> => {
      const level = new ClassicLevel<string, Buffer>(path, { valueEncoding: 'buffer' });
      const value = await level.get(name);
      await level.close();
      return value!;
    };
    const filesWith = async (sealed: Buffer): Promise<string[]> => {
      const names = await readdir(path);
      const contents = await Promise.all(names.map((name) => readFile(join(path, name))));
      return names.filter((_name, index) => contents[index]!.includes(sealed.subarray(60)));
    };
    let store = await SealedStore.open(path, key);
    await store.batch(['deleted', 'replaced', 'kept'].map((name) => ({ key: name, value: secret })));
    await store.close();
    const [deleted, replaced, kept] = [
      await sealedValue('deleted'),
      await sealedValue('replaced'),
      await sealedValue('kept'),
    ];
    store = await SealedStore.open(path, key);
    await store.batch([{ key: 'deleted' }, { key: 'replaced', value: Uint8Array.of(1) }]);
    assert.equal((await filesWith(deleted)).length, 1, 'a deletion alone only marks');
    await store.compact();
    assert.deepEqual(await filesWith(deleted), []);
    assert.deepEqual(await filesWith(replaced), []);
    assert.equal((await filesWith(kept)).length, 1);
    await store.close();
  });

  it('refuses values under another key and shows nothing of a value on disk', async () => {
    const store = await SealedStore.open(join(directory, 'store'), key);
    await store.put('a', secret);
    await store.close();
    for (const name of await readdir(join(directory, 'store'))) {
      const bytes = await readFile(join(directory, 'store', name));
      assert.equal(bytes.includes(Buffer.from(secret.subarray(0, 12))), false, name);
    }
    const other = await SealedStore.open(join(directory, 'store'), otherKey);
    await assert.rejects(other.get('a'), { code: 'SEALED_INVALID' });
    await other.close();
  });
});
