// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { consensusUnderTest } from '../ledger/kind.js';
import type { Modes } from '../modes.js';
import { filesUnder } from './bulletin-files.js';

/**
 * Compares the digests of all files of a bulletin with the recorded ones: the file names and every byte must be the same
 * on each ledger. The records are in the format of `sha256sum`.
 *
 * With `GRIDVEIL_RENEW_GOLDEN=1` it records instead, and the test counts as skipped, so that no run passes by recording.
 */
export async function compareWithGolden(context: Mocha.Context, modes: Modes, bulletin: string): Promise<void> {
  const { identityMode, priceMode } = modes;
  const record = fileURLToPath(
    new URL(`../../../../test/golden/${identityMode}-${priceMode}.sha256`, import.meta.url), // seen from dist/test/support/system/
  );
  const digests = [...(await filesUnder(bulletin))].map(
    ([path, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${path}`,
  );
  if (process.env['GRIDVEIL_RENEW_GOLDEN'] === '1') {
    assert.equal(consensusUnderTest(), undefined, 'golden bulletins are recorded on the embedded ledger');
    await mkdir(dirname(record), { recursive: true });
    await writeFile(record, `${digests.join('\n')}\n`);
    context.skip();
  }
  assert.deepEqual(digests, (await readFile(record, 'utf8')).trimEnd().split(/\r?\n/));
}
