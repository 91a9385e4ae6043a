// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

describe('gridveil research', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'gridveil-anonymity-'))));
  after(() => rm(folder, { recursive: true }));

  function gridveil(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [PROGRAM, ...args], { cwd: folder }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  it('print one JSON object', async () => {
    const small = ['--meters', '30', '--slots', '2', '--json'];
    const measured = await gridveil(
      'research',
      'anonymity',
      ...small,
      '--corrupt-per-layer',
      '1',
      '--plot',
      'plot.svg',
    );
    assert.equal(measured.code, 0, measured.stderr);
    const { meanEntropyBits, maximumEntropyBits, meters, slots } = JSON.parse(measured.stdout) as Record<
      string,
      number
    >;
    assert.ok(meanEntropyBits! > 2 && meanEntropyBits! < maximumEntropyBits!);
    assert.deepEqual([meters, slots], [30, 2]);
    assert.match(await readFile(join(folder, 'plot.svg'), 'utf8'), /^<svg /);

    const simulated = await gridveil(
      'research',
      'tier',
      '--meters',
      '6000',
      '--slots',
      '1',
      '--targets',
      '5',
      '--json',
    );
    assert.equal((JSON.parse(simulated.stdout) as Record<string, number>)['relays'], 24);

    const attacked = await gridveil('research', 'anonymity', 'attacks', ...small);
    const { isolation } = JSON.parse(attacked.stdout) as { isolation: unknown[] };
    assert.equal(isolation.length, 4);

    const absent = await gridveil('research', 'ledger', '--meters', '20', '--days', '4', '--silences', '4', '--json');
    assert.equal((JSON.parse(absent.stdout) as Record<string, number>)['meters'], 20);
  });

  it('refuse wrong use with exit code 2', async () => {
    for (const args of [
      ['research', 'anonymity', '--meters', '1'],
      ['research', 'anonymity', '--layers', '9'],
      ['research', 'anonymity', '--corrupt-per-layer', '4'],
      ['research', 'anonymity', '--mean-delay', '60000'],
      ['research', 'anonymity', '--traces', '.', '--seed', 'x'],
      ['research', 'ledger', '--silences', '1000'],
      ['research', 'tier', '--meters', '1000001'],
    ]) {
      const { code, stdout, stderr } = await gridveil(...args);
      assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
      assert.equal(stdout, '');
      assert.match(stderr, /^gridveil: WRONG_USE: /);
    }
    const { code, stderr } = await gridveil('research', 'anonymity', '--traces', '.');
    assert.equal(code, 1);
    assert.match(stderr, /^gridveil: TRACE_INVALID: /);
  });
});
