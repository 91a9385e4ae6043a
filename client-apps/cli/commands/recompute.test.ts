// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toHex } from '../../../protocol/crypto/bytes.js';
import { rowSignaturePublicKey, rowValue } from '../../../protocol/ledger/row.js';
import { createFileKey } from '../../runtime/sealed-file.js';
import { bulletinOf, writeFiles } from '../../../test/support/bulletin.js';
import { HouseholdUnderTest, HOUSEHOLD_FILE_KEY } from '../../../test/support/household.js';
import { IntervalMaker } from '../../../test/support/interval.js';
import { FakeRegion } from '../../../test/support/region.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

describe('gridveil consumer recompute', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'gridveil-recompute-'))));
  after(() => rm(folder, { recursive: true }));

  const gridveil = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const env = { ...process.env, GRIDVEIL_KEY_FILE: join(folder, 'file-key') };
      execFile(process.execPath, [PROGRAM, 'consumer', 'recompute', ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });

  it('adds up, prices and bills the rows of a file of handles, and wants exactly one source of them', async () => {
    const kit = new FakeRegion();
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
    assert.match(
      (await gridveil(root, '--handles', handles)).stdout,
      /^ok: every bill is correct\nThe trusted key was not verified: .*\n$/m,
    );

    const strange = `${'ab'.repeat(32)}\n`;
    await writeFile(handles, `${toHex(rowSignaturePublicKey(own))}\n${strange}`);
    assert.match(
      (await gridveil(root, '--handles', handles)).stdout,
      /1 of 2 handles have no row in this bulletin\nok: every bill is correct for the rows found/,
    );
    await writeFile(handles, strange);
    const none = await gridveil(root, '--handles', handles);
    assert.equal(none.code, 1);
    assert.match(none.stdout, /^FAILED: no row of the household found, no bill checked\n.*was not verified/m);

    assert.equal((await gridveil(root)).code, 2);
    assert.equal((await gridveil(root, '--handles', handles, '--config', handles)).code, 2);
    await writeFile(handles, 'abc\n');
    assert.equal((await gridveil(root, '--handles', handles)).code, 2);
  });

  it('trusts no other control center than the hub does', async () => {
    const household = new HouseholdUnderTest(join(folder, 'hub'));
    await household.start();
    await createFileKey(join(folder, 'file-key'));
    await writeFile(join(folder, 'file-key'), `${toHex(HOUSEHOLD_FILE_KEY)}\n`);
    const [config, host] = [join(folder, 'hub.json'), join(folder, 'host.json')];
    const shared = {
      region: household.kit.region,
      controlCenter: { url: 'https://127.0.0.1:1', pin: '00'.repeat(32) },
      mailboxRelay: 'relay.invalid:7000',
    };
    const hub = { directory: join(folder, 'hub'), enrolmentCode: '00'.repeat(16) };
    await writeFile(config, JSON.stringify({ ...shared, ...hub }));
    await writeFile(host, JSON.stringify({ ...shared, hubs: [{ ...hub, directory: join(folder, 'other') }, hub] }));
    const root = join(folder, 'a bulletin without its rows');
    await writeFiles(root, bulletinOf(household.kit, [household.neighbours.next([2, 2, 2, 2, 2])]));
    const recompute = async (...which: string[]): Promise<Record<string, unknown>> => {
      const { code, stdout, stderr } = await gridveil(root, ...which, '--json');
      assert.equal(code, 1, stderr);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const own = await recompute('--config', config);
    assert.deepEqual([own['faults'], own['keyWasGiven'], own['ok']], [[], true, false]);
    await household.files.write({ ...(await household.files.state())!, trustAnchor: new Uint8Array(32) });
    const foreign = await recompute('--config', host, '--consumer', '2');
    assert.equal((foreign['faults'] as { code: string }[])[0]?.code, 'WRONG_KEY');
    assert.equal((await gridveil(root, '--config', host, '--consumer', '3')).code, 2, 'the host has two');
  });
});
