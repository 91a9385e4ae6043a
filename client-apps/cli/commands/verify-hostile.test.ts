// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bulletinOf, writeFiles } from '../../../test/support/bulletin.js';
import { HOSTILE_DIRECTORIES } from '../../../test/support/hostile-directories.js';
import { IntervalMaker } from '../../../test/support/interval.js';
import { measuredCommand } from '../../../test/support/measured-command.js';
import { FakeRegion } from '../../../test/support/region.js';

/** Files and entries are so many times as many as in a short run. */
const SCALE = Number(process.env['GRIDVEIL_HOSTILE_SCALE'] ?? 1);
const MAXIMUM_MEGABYTES = 250;

interface Found {
  readonly faultCount: number;
  readonly faults: readonly { readonly file: string; readonly code: string }[];
}

describe('gridveil verify of a hostile directory', function () {
  this.timeout(300_000);
  const kit = new FakeRegion();
  const maker = new IntervalMaker(kit);
  const intervals = [[0, 0, 0, 0, 0, 3, 3, 3, 3, 3], []].map((categories) => maker.next(categories));
  const lastStartSeconds = intervals[1]!.ledgerId.startSeconds;
  let scratch: string;
  let untouched: string;
  let maximumSeconds: number;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'gridveil-hostile-'));
    untouched = join(scratch, 'untouched');
    await writeFiles(untouched, bulletinOf(kit, intervals));
    const { code, cpuSeconds } = await measuredCommand('verify', untouched);
    assert.equal(code, 0);
    maximumSeconds = 5 * cpuSeconds + 2;
  });
  after(() => rm(scratch, { recursive: true }));

  HOSTILE_DIRECTORIES.forEach(({ name, make, faults, count, shows, hides }, i) => {
    it(`names its faults within bounds: ${name}`, async () => {
      const root = join(scratch, String(i));
      await cp(untouched, root, { recursive: true });
      await make({ kit, root, lastStartSeconds }, SCALE);
      const text = await measuredCommand('verify', root);
      assert.equal(text.code, 1, text.stderr);
      assert.ok(text.cpuSeconds <= maximumSeconds, `${text.cpuSeconds} s, at most ${maximumSeconds}`);
      assert.ok(text.megabytes <= MAXIMUM_MEGABYTES, `${text.megabytes} MiB`);
      assert.match(text.stdout, shows ?? /^FAULT /m);
      assert.doesNotMatch(text.stdout, hides ?? /^ok: /m);

      const json = await measuredCommand('verify', root, '--json');
      assert.ok(json.megabytes <= MAXIMUM_MEGABYTES, `${json.megabytes} MiB`);
      const found = JSON.parse(json.stdout) as Found;
      const named = new Set(found.faults.map(({ file, code }) => `${file} ${code}`));
      for (const fault of faults) {
        const expected = fault
          .replace('*', `bulletin/${kit.region}`)
          .replace('#+1', String(lastStartSeconds + kit.parameters.intervalSeconds))
          .replace('#', String(lastStartSeconds));
        assert.ok(named.has(expected), `${expected}, found ${[...named].slice(0, 20).join(', ')}`);
      }
      assert.equal(found.faultCount, count?.(SCALE) ?? found.faultCount);
      assert.equal(found.faults.length, Math.min(found.faultCount, 10_000));
      await rm(root, { recursive: true });
    });
  });
});
