// SPDX-License-Identifier: Apache-2.0
import { pageArgs, World } from './world.js';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import type { Simulation } from './simulation-stub.js';

const CHILD = 'GRIDVEIL_TEST_DETERMINISM_CHILD';
const TWO_PAGES = Array.from({ length: 505 }, (_, row) => row % 5);

/** Everything that endorsers must agree on, of accepted and refused transactions. */
function outcome({ status, message, payload, reads, ranges, writes, events }: Simulation): string {
  const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const written = [...writes].map(([key, value]) => [key, hex(value)]);
  const emitted = events.map(({ name, payload: facts }) => [name, hex(facts)]);
  return JSON.stringify([status, message, hex(payload), [...reads], ranges, written, emitted]);
}

/** One run through all transactions; a line each. */
async function run(): Promise<string[]> {
  const kit = new FakeRegion({ meters: 50 });
  const maker = new IntervalMaker(kit);
  const world = new World(kit.pricePseudonymKey);
  const lines: string[] = [];
  const submit = world.ledger.submit.bind(world.ledger);
  world.ledger.submit = async (...args) => {
    const simulation = await submit(...args);
    lines.push(outcome(simulation));
    return simulation;
  };
  await world.putParameters(kit.signedParameters);
  await world.putRegistryRoot(kit.registryRoot(0));
  await world.putDirectory(kit.directory(0));
  const first = maker.next(TWO_PAGES);
  await world.complete(first);
  await world.complete(maker.next([]));
  await world.putParameters(kit.signedParameters);
  await world.putSeal(first.billing.seal, 'consumption');
  await world.putPage('consumption', {
    ledgerId: first.ledgerId,
    page: 1,
    rows: first.billing.pages[1]!,
    witnesses: first.witnesses[1],
  });
  for (const kind of ['consumption', 'pricing', 'billing'] as const) {
    lines.push(outcome(await world.query(kind, 'GetPage', ...pageArgs(first.ledgerId, 0))));
    lines.push(outcome(await world.query(kind, 'GetLatestSeal', 'london')));
  }
  return lines;
}

if (process.env[CHILD] === '1') {
  void run().then((lines) => process.stdout.write(`${new Date(0).toString()}\n${lines.join('\n')}\n`));
} else {
  describe('determinism', () => {
    const child = (environment: NodeJS.ProcessEnv, preload: string[]): string[] =>
      execFileSync(process.execPath, [...preload, __filename], {
        env: { ...process.env, ...environment, [CHILD]: '1' },
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      })
        .trim()
        .split('\n');

    it('holds in two processes with different time zone, locale, clock and Math.random', () => {
      const skew = ['--require', join(__dirname, 'skew.js')];
      const [zone, ...lines] = child({ TZ: 'UTC', LC_ALL: 'C' }, []);
      const [otherZone, ...otherLines] = child({ TZ: 'Asia/Kathmandu', LC_ALL: 'tr_TR.UTF-8' }, skew);
      assert.notEqual(zone, otherZone);
      assert.equal(lines.length, 34);
      assert.deepEqual(otherLines, lines);
    }).timeout(20_000);
  });
}
