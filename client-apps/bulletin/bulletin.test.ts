// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryPath } from '../runtime/atomic-file.js';
import { isBulletinPath, intervalPath } from './layout.js';
import { DirectoryBulletin } from './reader.js';
import { BulletinWriter } from './writer.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('client-apps/bulletin', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gridveil-bulletin-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('gives back what was written, and undefined for what was not', async () => {
    const writer = await BulletinWriter.open(root);
    const reader = new DirectoryBulletin(root);
    assert.equal(await reader.readParameters(), undefined);
    await writer.writeParameters(bytes('p'));
    await writer.writeDirectory('london', 3, bytes('d'));
    await writer.writeFile('london', 1_800, 'consumption.rows', bytes('r'));
    await writer.writeFile('london', 3_600, 'seals.json', bytes('s'));
    assert.deepEqual(new Uint8Array((await reader.readParameters())!), bytes('p'));
    assert.deepEqual(new Uint8Array((await reader.readDirectory('london', 3))!), bytes('d'));
    assert.deepEqual(new Uint8Array((await reader.readFile('london', 1_800, 'consumption.rows'))!), bytes('r'));
    assert.equal(await reader.readFile('london', 1_800, 'seals.json'), undefined);
  });

  it('writes the same again and nothing else over a write-once file', async () => {
    const writer = await BulletinWriter.open(root);
    await writer.writeFile('london', 0, 'consumption.rows', bytes('rows'));
    await writer.writeFile('london', 0, 'consumption.rows', bytes('rows'));
    await assert.rejects(writer.writeFile('london', 0, 'consumption.rows', bytes('rowz')), {
      code: 'BULLETIN_CONFLICT',
    });
    await assert.rejects(writer.writeFile('london', 0, 'consumption.rows', bytes('rows and more')), {
      code: 'BULLETIN_CONFLICT',
    });
  });

  it('lets the collecting files grow only', async () => {
    const writer = await BulletinWriter.open(root);
    const reader = new DirectoryBulletin(root);
    await writer.writeFile('london', 0, 'seals.json', bytes('{one}'));
    await writer.writeFile('london', 0, 'seals.json', bytes('{one,two}'));
    await writer.writeFile('london', 0, 'seals.json', bytes('{one}'));
    assert.deepEqual(new Uint8Array((await reader.readFile('london', 0, 'seals.json'))!), bytes('{one,two}'));
    await assert.rejects(writer.writeFile('london', 0, 'seals.json', bytes('{one,tow}')), {
      code: 'BULLETIN_CONFLICT',
    });
  });

  it('sweeps what a crash left half-written, and only that', async () => {
    const folder = join(root, 'bulletin', 'london', '0');
    await mkdir(folder, { recursive: true });
    await writeFile(temporaryPath(join(folder, 'seals.json')), 'ha');
    await writeFile(join(folder, 'seals.json'), 'whole');
    await BulletinWriter.open(root);
    assert.deepEqual(await readdir(folder), ['seals.json']);
  });

  it('does not read a file of any length', async () => {
    const writer = await BulletinWriter.open(root);
    await writer.writeFile('london', 0, 'billing.rows', bytes('r'));
    await truncate(join(root, intervalPath('london', 0, 'billing.rows')), 200_000 * 177 + 1);
    await assert.rejects(new DirectoryBulletin(root).readFile('london', 0, 'billing.rows'), { code: 'LIMIT_EXCEEDED' });
    await writer.writeParameters(bytes('{}'));
    await truncate(join(root, 'parameters.json'), 1_572_865);
    await assert.rejects(new DirectoryBulletin(root).readParameters(), {
      message: 'parameters.json: expected at most 1572864 bytes, got 1572865',
    });
  });

  it('knows the paths of a bulletin in their one spelling', () => {
    for (const path of [
      'parameters.json',
      'bulletin/london/directory/0.json',
      'bulletin/london/directory/15900.json',
      'bulletin/london/1384128000/consumption.rows',
      'bulletin/a-1/0/consumption.index',
    ]) {
      assert.equal(isBulletinPath(path), true, path);
    }
    for (const path of [
      '',
      'PARAMETERS.json',
      './parameters.json',
      'bulletin/london/directory/00.json',
      'bulletin/london/directory/1',
      'bulletin/london/directory/1.json/x',
      'bulletin/london/0/consumption.rows/..',
      'bulletin/london/../0/consumption.rows',
      'bulletin/london//0/consumption.rows',
      'bulletin/London/0/consumption.rows',
      'bulletin/toolongname/0/consumption.rows',
      'bulletin/london/-1/consumption.rows',
      'bulletin/london/1e3/consumption.rows',
      'bulletin/london/0/other.rows',
      'bulletin/london/0/consumption.rows\n',
    ]) {
      assert.equal(isBulletinPath(path), false, JSON.stringify(path));
    }
  });
});
