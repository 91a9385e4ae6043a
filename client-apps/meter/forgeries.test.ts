// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { MemoryBulletin } from '../../test/support/memory-bulletin.js';
import { enrolledMeter as setUp, runWindow } from '../../test/support/meter.js';
import { FakeRegion } from '../../test/support/region.js';

const L = 1_800;

describe('Meter and a forged bulletin', () => {
  const forgeries: [string, (bulletin: MemoryBulletin, start: number) => void][] = [
    [
      'an index that hides a row',
      (bulletin, start) => bulletin.files.set(`${start}/consumption.index`, new Uint8Array(0)),
    ],
    [
      'an index with another category',
      (bulletin, start) => {
        const index = bulletin.files.get(`${start}/consumption.index`)!.slice();
        index[8]! ^= 1;
        bulletin.files.set(`${start}/consumption.index`, index);
      },
    ],
    [
      'a seal by another key',
      (bulletin, start) => {
        const other = new MemoryBulletin(new FakeRegion());
        Object.assign(other.kit, { controlCenter: other.kit.signingKey('somebody else') });
        other.seal(start, [], 'consumption');
        for (const file of ['seals.json', 'consumption.index']) {
          bulletin.files.set(`${start}/${file}`, other.files.get(`${start}/${file}`)!);
        }
      },
    ],
    [
      'a seal of another interval',
      (bulletin, start) => {
        const other = new MemoryBulletin(bulletin.kit);
        other.seal(start + L, [], 'consumption');
        for (const file of ['seals.json', 'consumption.index']) {
          bulletin.files.set(`${start}/${file}`, other.files.get(`${start + L}/${file}`)!);
        }
      },
    ],
    [
      'seals that are cut off',
      (bulletin, start) => {
        const seals = bulletin.files.get(`${start}/seals.json`)!;
        bulletin.files.set(`${start}/seals.json`, seals.subarray(0, seals.length - 1));
      },
    ],
  ];
  for (const [name, forge] of forgeries) {
    it(`accepts no absence from ${name}`, async () => {
      const meter = await setUp();
      const { kit, bulletin } = meter;
      meter.energy.set(kit.startOf(0), 850_000n);
      const { rows } = await runWindow(meter, 0);
      bulletin.seal(kit.startOf(0), rows, 'consumption');
      const right = new Map(bulletin.files);
      forge(bulletin, kit.startOf(0));
      const { sent } = await runWindow(meter, 1, [0, 1, 2]);
      assert.equal(sent.length, 3, 'it goes on sending');
      assert.deepEqual(meter.meter.balance, { measured: 850_000n, carried: 0n, inFlight: 850_000n });
      for (const [path, bytes] of right) {
        bulletin.files.set(path, bytes);
      }
      await runWindow(meter, 1, [3]);
      assert.deepEqual(meter.meter.balance, { measured: 850_000n, carried: 0n, inFlight: 0n });
    });
  }

  it('accepts no seal that does not follow the one before', async () => {
    const meter = await setUp();
    const { kit, bulletin } = meter;
    for (let interval = 0; interval < 2; interval++) {
      meter.energy.set(kit.startOf(interval), 50_000n);
    }
    const first = await runWindow(meter, 0);
    bulletin.seal(kit.startOf(0), first.rows, 'consumption');
    await runWindow(meter, 1);
    const fork = new MemoryBulletin(kit);
    fork.seal(kit.startOf(0), [], 'consumption');
    fork.seal(kit.startOf(1), [], 'consumption');
    for (const file of ['seals.json', 'consumption.index']) {
      bulletin.files.set(`${kit.startOf(1)}/${file}`, fork.files.get(`${kit.startOf(1)}/${file}`)!);
    }
    await runWindow(meter, 2, [1]);
    assert.equal(meter.meter.balance.inFlight, 50_000n);
  });
});
