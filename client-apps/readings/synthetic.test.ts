// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { averageMilliWattHours, type Readings } from './readings.js';
import { syntheticReadings } from './synthetic.js';

const MONDAY = Date.UTC(2026, 0, 5) / 1000;
const WEEK = { seed: '1', meters: 200, intervals: 336, intervalSeconds: 1800, startSeconds: MONDAY };

function digest({ households }: Readings): string {
  const hash = createHash('sha256');
  for (const { id, milliWattHours } of households) {
    hash.update(`${id} ${milliWattHours.join(' ')}\n`);
  }
  return hash.digest('hex');
}

describe('synthetic readings', () => {
  it('give the same energies for the same seed, in every release', () => {
    assert.equal(
      digest(syntheticReadings({ ...WEEK, meters: 5, intervals: 48 })),
      'b979d9533ec1046992242d317be1de6299e1a13761e5688dd7f134f03ea5728c',
    );
    assert.notEqual(digest(syntheticReadings({ ...WEEK, seed: '2' })), digest(syntheticReadings(WEEK)));
  });

  it('do not depend on the number of meters, the step or the start', () => {
    const all = syntheticReadings(WEEK);
    const some = syntheticReadings({ ...WEEK, meters: 3, intervals: 7, startSeconds: MONDAY + 41 * 1800 });
    some.households.forEach(({ id, milliWattHours }, index) => {
      assert.equal(id, all.households[index]!.id);
      assert.deepEqual(milliWattHours, all.households[index]!.milliWattHours.slice(41, 48));
    });
    const quarters = syntheticReadings({ ...WEEK, meters: 1, intervals: 4, intervalSeconds: 900 });
    const [first, second, third, fourth] = quarters.households[0]!.milliWattHours;
    assert.deepEqual([first! + second!, third! + fourth!], [...all.households[0]!.milliWattHours.subarray(0, 2)]);
  });

  it('have the shape of real days: the mean, a low night, a high evening, weekends that differ', () => {
    const readings = syntheticReadings(WEEK);
    const average = averageMilliWattHours(readings);
    assert.ok(average > 170_000n && average < 230_000n, `average ${average}`);
    const ofHours = (from: number, to: number, days: number[]): number => {
      let sum = 0;
      for (const { milliWattHours } of readings.households) {
        for (const day of days) {
          for (let step = 2 * from; step < 2 * to; step++) {
            sum += Number(milliWattHours[48 * day + step]);
          }
        }
      }
      return sum / (readings.households.length * days.length * 2 * (to - from));
    };
    const workdays = [0, 1, 2, 3, 4];
    const [night, morning, midday, evening] = [
      ofHours(1, 5, workdays),
      ofHours(7, 9, workdays),
      ofHours(11, 14, workdays),
      ofHours(18, 21, workdays),
    ];
    assert.ok(night < midday && midday < morning && morning < evening);
    assert.ok(ofHours(11, 14, [5, 6]) > 1.1 * midday);
    const values = readings.households.flatMap(({ milliWattHours }) => [...milliWattHours]);
    assert.ok(values.every((value) => value > 0n));
    assert.ok(values.reduce((a, b) => (a > b ? a : b)) > 2_000_000n, 'showers and ovens make peaks');
  });

  it('refuse a step that the cells do not fill, and too many households', () => {
    assert.throws(() => syntheticReadings({ ...WEEK, intervalSeconds: 600 + 1 }), { fault: 'BAD_STEP' });
    assert.throws(() => syntheticReadings({ ...WEEK, startSeconds: MONDAY + 60 }), { fault: 'BAD_STEP' });
    assert.throws(() => syntheticReadings({ ...WEEK, meters: 5_001 }), { fault: 'TOO_LARGE' });
  });
});
