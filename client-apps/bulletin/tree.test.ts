// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLeftover, printable } from './layout.js';
import { BulletinTree } from './tree.js';

describe('client-apps/bulletin/tree', () => {
  let root: string;
  const faults: string[] = [];
  let tree: BulletinTree;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gridveil-tree-'));
    tree = new BulletinTree(root, {
      onFault: (path, code, message) => void faults.push(`${path} ${code} ${message}`),
      onUnnamed: () => undefined,
      onLeftover: () => undefined,
    });
  });
  after(() => rm(root, { recursive: true }));

  it('makes what it cannot read a fault of that entry', async () => {
    assert.deepEqual([...(await tree.region('london')).intervals], []);
    assert.deepEqual(faults, ['bulletin/london UNREADABLE cannot be listed: ENOENT']);
    assert.throws(() => tree.read('parameters.json', 'file'), { code: 'UNREADABLE', message: /ENOENT$/ });
    assert.throws(() => tree.read('parameters.json', undefined), { code: 'MALFORMED', message: 'file is missing' });
  });

  it('does not follow a link that replaces a file after it was listed', async () => {
    await writeFile(join(root, 'target'), '{}');
    await symlink('target', join(root, 'parameters.json'));
    assert.throws(() => tree.read('parameters.json', 'file'), { code: 'UNREADABLE', message: /ELOOP$/ });
  });

  it('knows leftovers by name and kind', () => {
    for (const name of ['.DS_Store', '._x', 'Thumbs.db', 'thumbs.db', 'Desktop.ini', 'readme.TXT', 'sha256sums.asc']) {
      assert.equal(isLeftover(name, 'file'), true, name);
      assert.equal(isLeftover(name, 'symbolic link'), false, name);
      assert.equal(isLeftover(name, 'folder'), false, name);
    }
    assert.equal(isLeftover('__MACOSX', 'folder'), true);
    for (const name of ['', '._', 'README.json', 'xREADME', 'README.md\n', 'parameters.json', '.seals.json.tmp']) {
      assert.equal(isLeftover(name, 'file'), false, name);
    }
  });

  it('spells out what a terminal would obey, and leaves other letters as they are', () => {
    assert.equal(
      printable('Zürich 日本 a\tb\u2028\u00a0\u200f\\'),
      'Zürich 日本 a\\u{9}b\\u{2028}\\u{a0}\\u{200f}\\u{5c}',
    );
  });
});
