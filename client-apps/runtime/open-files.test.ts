// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFileLimit, requireOpenFiles } from './open-files.js';

const PROGRAM = fileURLToPath(new URL('../cli/main.js', import.meta.url));

describe('client-apps/runtime: open files', function () {
  this.timeout(20_000);

  it('are refused before the work begins, with the number needed and the number there is', () => {
    assert.ok(openFileLimit() >= 64);
    requireOpenFiles(364, 'a demo of 100 meters', 364);
    assert.throws(() => requireOpenFiles(364, 'a demo of 100 meters', 363), {
      code: 'LIMIT_EXCEEDED',
      message:
        'a demo of 100 meters needs 364 open files, and this process may have 363: raise the limit with ulimit -n 364',
    });
  });

  it('that are too few end a demo at once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gridveil-open-files-'));
    const command = 'ulimit -n 128; exec "$0" "$1" demo --intervals 1 --out out';
    const begun = performance.now();
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile('bash', ['-c', command, process.execPath, PROGRAM], { cwd: folder }, (error, _, text) =>
        resolve({ code: error?.code, stderr: text }),
      );
    });
    await rm(folder, { recursive: true });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /LIMIT_EXCEEDED: a demo of 100 meters needs 364 open files, .* may have 128: .* ulimit -n 364/,
    );
    assert.ok(performance.now() - begun < 15_000);
  });
});
