// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toHex } from '../../../protocol/crypto/bytes.js';
import { rowSignaturePublicKey, rowValue } from '../../../protocol/ledger/row.js';
import { bulletinOf, writeFiles } from '../../../test/bulletin-kit.js';
import { IntervalMaker } from '../../../test/interval-kit.js';
import { RegionKit } from '../../../test/region-kit.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

describe('gridveil consumer recompute', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'gridveil-recompute-'))));
  after(() => rm(folder, { recursive: true }));

  const gridveil = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [PROGRAM, 'consumer', 'recompute', ...args], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });

  it('adds up, prices and bills the rows of a file of handles, and wants exactly one source of them', async () => {
    const kit = new RegionKit();
    const interval = new IntervalMaker(kit).next([2, 2, 2, 2, 2]);
    const root = join(folder, 'bulletin-root');
    const handles = join(folder, 'handles');
    const own = interval.witnessedRows[0]!.row;
    await writeFiles(root, bulletinOf(kit, [interval]));
    await writeFile(handles, `${toHex(rowSignaturePublicKey(own))}\n`);

    const json = await gridveil(root, '--handles', handles, '--json');
    assert.equal(json.code, 0, json.stderr);
    const found = JSON.parse(json.stdout) as Record<string, unknown>;
    const bill = ((rowValue(own) * interval.price) / 1_000_000n).toString();
    assert.equal(found['milliWattHours'], rowValue(own).toString());
    assert.equal(found['billNanoCurrency'], bill);
    assert.deepEqual([found['ok'], found['missingHandles']], [true, 0]);
    assert.match((await gridveil(root, '--handles', handles)).stdout, /Every bill is right\.\n$/);

    assert.equal((await gridveil(root)).code, 2);
    assert.equal((await gridveil(root, '--handles', handles, '--config', handles)).code, 2);
    await writeFile(handles, 'abc\n');
    assert.equal((await gridveil(root, '--handles', handles)).code, 2);
  });
});
