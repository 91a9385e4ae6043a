// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ChildSpec } from '../../client-apps/demo/processes/child.js';
import type { TestHooks } from '../../client-apps/demo/run.js';
import { filesUnder } from '../support/system/bulletin-files.js';
import { MODES, modesText } from '../support/modes.js';
import { consensusUnderTest } from '../support/ledger/kind.js';
import { needsLedgersOfItsOwn } from '../support/ledger/ledger-under-test.js';
import { RUN_MILLISECONDS, scratchFolder, smallRun, systemRun } from '../support/system/system-run.js';

const HOOK = pathToFileURL(fileURLToPath(new URL('../support/system/crash-hook.js', import.meta.url))).href;

/** When a process that submits brings about a crash, and whose. */
interface Crash {
  readonly submitter: string;
  readonly moment: 'before' | 'after';
  /** The submitter itself, or the ledger. */
  readonly victim: string;
}

for (const modes of MODES) {
  describe(`kill -9 between any two submissions (${modesText(modes)})`, function () {
    this.timeout(RUN_MILLISECONDS);
    needsLedgersOfItsOwn();

    const documents = modes.priceMode === 'direct' ? 4 : 3;
    /** Parameters, registry, directory, where there is one a consumer list; per interval seven and four. */
    const SUBMISSIONS = { 'control-center': documents + 2 * 7, 'service-provider': 2 * 4 } as const;

    async function crashingRun(crashes: readonly Crash[]): Promise<void> {
      const folder = await scratchFolder('crash');
      const seenFile = (submitter: string): string => join(folder, `${submitter}.seen`);
      let ledgerControl = '';
      const beforeStart = (spec: ChildSpec): ChildSpec => {
        if (spec.name === 'ledger') {
          ledgerControl = join(spec.directory, 'ledger', 'control.json');
        }
        const crash = crashes.find(({ submitter }) => submitter === spec.name);
        if (crash === undefined) {
          return spec;
        }
        return {
          ...spec,
          nodeArgs: ['--import', HOOK],
          environment: {
            ...spec.environment,
            GRIDVEIL_TEST_CRASH: crash.moment,
            GRIDVEIL_TEST_CRASH_SEEN: seenFile(spec.name),
            ...(crash.victim === 'ledger' ? { GRIDVEIL_TEST_CRASH_CONTROL_FILE: ledgerControl } : {}),
          },
        };
      };
      const restartable = new Set(crashes.map(({ victim }) => victim));
      const restarts = new Map<string, number>();
      const beforeEnd: TestHooks['beforeEnd'] = ({ processes }) => {
        for (const [name, count] of processes.restarts) {
          restarts.set(name, count);
        }
        return Promise.resolve();
      };
      const [undisturbed, disturbed] = [
        await smallRun(modes),
        await systemRun({ ...modes, hooks: { beforeStart, restartable, beforeEnd } }),
      ];

      assert.deepEqual(await filesUnder(disturbed.out), await filesUnder(undisturbed.out));
      const expected = new Map<string, number>();
      for (const { submitter, victim } of crashes) {
        const seen = (await readFile(seenFile(submitter), 'utf8')).trimEnd().split('\n').length;
        assert.equal(seen, SUBMISSIONS[submitter as keyof typeof SUBMISSIONS], `submissions of ${submitter}`);
        expected.set(victim, (expected.get(victim) ?? 0) + seen);
      }
      assert.deepEqual(restarts, expected);
    }

    it('control center before it sends, service provider after the orderer accepted it', () =>
      crashingRun([
        { submitter: 'control-center', moment: 'before', victim: 'control-center' },
        { submitter: 'service-provider', moment: 'after', victim: 'service-provider' },
      ]));

    it('service provider before it sends, control center after the orderer accepted it', () =>
      crashingRun([
        { submitter: 'service-provider', moment: 'before', victim: 'service-provider' },
        { submitter: 'control-center', moment: 'after', victim: 'control-center' },
      ]));

    // Neither the ledger nor its transactions know of modes, so once is enough.
    if (modes !== MODES[0]) {
      return;
    }
    it('the ledger, before and after it accepted a transaction (embedded only: Fabric has other processes)', async function () {
      if (consensusUnderTest() !== undefined) {
        this.skip();
      }
      await crashingRun([
        { submitter: 'control-center', moment: 'after', victim: 'ledger' },
        { submitter: 'service-provider', moment: 'before', victim: 'ledger' },
      ]);
    });
  });
}
