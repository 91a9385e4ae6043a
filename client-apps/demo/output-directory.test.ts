// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bulletinOf, writeFiles } from '../../test/support/bulletin.js';
import { FakeRegion } from '../../test/support/region.js';
import { prepareOutput } from './output-directory.js';

describe("output directory of a demo's bulletin", () => {
  let out: string;
  beforeEach(async () => (out = await mkdtemp(join(tmpdir(), 'gridveil-out-'))));
  afterEach(() => rm(out, { recursive: true, force: true }));

  const holds = (demo: boolean): Promise<void> =>
    writeFiles(out, bulletinOf(new FakeRegion({ meters: 1, parameters: { demo } }), []));

  it('is emptied of an earlier demo and of what file managers left beside it', async () => {
    await holds(true);
    await mkdir(join(out, '__MACOSX'));
    for (const name of ['.DS_Store', '._parameters.json', 'Thumbs.db', 'desktop.ini', 'SHA256SUMS', 'README.md']) {
      await writeFile(join(out, name), 'x');
    }
    assert.equal(await prepareOutput(out), out);
    assert.deepEqual(await readdir(out), []);
  });

  it('is refused and not changed with anything else in it', async () => {
    await holds(false);
    await assert.rejects(prepareOutput(out), { code: 'WRONG_USE' });
    await rm(join(out, 'parameters.json'));
    await holds(true);
    for (const name of ['notes.txt', 'README']) {
      await symlink('parameters.json', join(out, name));
      const names = await readdir(out);
      await assert.rejects(prepareOutput(out), { code: 'WRONG_USE' });
      assert.deepEqual(await readdir(out), names);
      await rm(join(out, name));
    }
  });
});
