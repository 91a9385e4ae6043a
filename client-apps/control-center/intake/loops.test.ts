// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { encapsulatedKey } from '../../../protocol/onion/packet.js';
import { createLog } from '../../runtime/log.js';
import { FRAME } from '../../links/frames.js';
import { identityOf, osRandom, timersOn } from '../../../test/support/links.js';
import type { Timers } from '../../runtime/timers.js';
import { TierUnderTest } from '../../../test/support/tier.js';
import { watchTier, type CenterLoops } from './loops.js';

const SLOT = 300_000;

describe('control center: loops through the tier', function () {
  this.timeout(60_000);
  let tier: TierUnderTest;
  let timers: Timers;
  let loops: CenterLoops;
  let reports: string[];
  const counts = { loops: 0, missingLoops: 0 };

  beforeEach(async () => {
    tier = new TierUnderTest();
    reports = [];
    Object.assign(counts, { loops: 0, missingLoops: 0 });
    await tier.start();
    timers = timersOn(tier.clock);
    loops = watchTier({
      clock: tier.clock,
      timers,
      random: osRandom,
      log: createLog('control-center', 'silent'),
      report: (name, data) => void reports.push(`${name} ${Object.values(data).join()}`),
      identity: await identityOf('control center'),
      addressOverrides: tier.overrides,
      counter: { counts },
      parameters: () => tier.kit.parameters,
      directory: () => tier.directory,
    });
  });
  afterEach(async () => {
    timers.stop();
    await loops.close();
    await tier.stop();
  });

  it('come back, all of them, and are told from meters’ packets', async () => {
    const own: boolean[] = [];
    tier.onArrival = (packet) => own.push(loops.came(encapsulatedKey(packet)));
    await tier.advance(SLOT);
    const path = [0, 2].map((relay) => ({ relay, delayMilliseconds: 500 }));
    (await tier.meter(0)).send(FRAME.packet, tier.packet(path));
    await tier.advance(SLOT);
    assert.deepEqual(counts, { loops: 16, missingLoops: 0 });
    assert.deepEqual([own.filter((isOwn) => isOwn).length, own.length], [16, 17]);
    assert.deepEqual(reports, []);
  });

  it('fail alone when a relay of their path has a key that cannot be used: the others leave and come back', async () => {
    tier.onArrival = (packet) => void loops.came(encapsulatedKey(packet));
    // No reader takes such a directory; here it comes past the check.
    const relays = tier.directory.relays.map((entry, index) =>
      index === 2 ? { ...entry, descriptor: { ...entry.descriptor, onionKey: new Uint8Array(32) } } : entry,
    );
    tier.directory = { ...tier.directory, relays };
    await tier.advance(3 * SLOT);
    const failed = timers.failures.get('loop') ?? 0;
    assert.ok(failed > 0, 'about one in two');
    assert.equal(failed + counts.loops, 32);
    assert.equal(counts.missingLoops, 0);
    assert.ok(counts.loops > 0);
  });

  it('name the relay that drops them, and no other', async () => {
    tier.onArrival = (packet) => void loops.came(encapsulatedKey(packet));
    const attacker = await tier.corrupt(3);
    await tier.advance(5 * SLOT);
    assert.ok(attacker.taken.length >= 16);
    assert.equal(counts.missingLoops, attacker.taken.length);
    // One dead relay of two now and then looks like nothing coming through: ten losses in a row are no rarity.
    const named = reports.filter((report) => report.startsWith('loops-lost'));
    assert.deepEqual(named, ['loops-lost relay-3.invalid:7000']);
  });
});
