// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ChildSpec } from '../../client-apps/demo/processes/child.js';
import { filesUnder } from '../support/system/bulletin-files.js';
import { MODES } from '../support/modes.js';
import { needsLedgersOfItsOwn } from '../support/ledger/ledger-under-test.js';
import { RUN_MILLISECONDS, scratchFolder, smallRun, systemRun } from '../support/system/system-run.js';

const HOOK = pathToFileURL(fileURLToPath(new URL('../support/system/relay-crash-hook.js', import.meta.url))).href;
const RELAYS = ['relay-1-1', 'relay-1-2', 'relay-2-1', 'relay-2-2'];
/** In the first slot of the first window, and again some slots later. */
const WRITES_OF_LIVES = [5, 30];

describe('kill -9 of every relay in mid-run', function () {
  this.timeout(RUN_MILLISECONDS);
  needsLedgersOfItsOwn();

  it('loses no row and doubles none: the bulletin is that of an undisturbed run, byte for byte', async () => {
    const folder = await scratchFolder('relay-crash');
    const beforeStart = (spec: ChildSpec): ChildSpec =>
      RELAYS.includes(spec.name)
        ? {
            ...spec,
            nodeArgs: ['--import', HOOK],
            environment: {
              ...spec.environment,
              GRIDVEIL_TEST_CRASH_SEEN: join(folder, `${spec.name}.seen`),
              GRIDVEIL_TEST_CRASH_WRITES: WRITES_OF_LIVES.join(','),
            },
          }
        : spec;
    const restarts = new Map<string, number>();
    const disturbed = await systemRun({
      hooks: {
        beforeStart,
        restartable: new Set(RELAYS),
        beforeEnd: ({ processes }) => {
          for (const [name, count] of processes.restarts) {
            restarts.set(name, count);
          }
          return Promise.resolve();
        },
      },
    });
    const undisturbed = await smallRun(MODES[0]);
    assert.deepEqual(restarts, new Map(RELAYS.map((name) => [name, WRITES_OF_LIVES.length])));
    assert.deepEqual(disturbed.outcome.consumers, undisturbed.outcome.consumers);
    assert.deepEqual(await filesUnder(disturbed.out), await filesUnder(undisturbed.out));
  });
});
