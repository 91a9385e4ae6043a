// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Activity } from './activity.js';
import { SteppedClock, type Clock } from './clock.js';
import { drawOffsetMilliseconds, everySlot, ReadingTimes } from './slot-schedule.js';
import { timersOn } from '../../test/support/links.js';
import { slotAt, type Slot } from '../../protocol/schedule/slots.js';

const TIMING = { intervalSeconds: 1_800, slotSeconds: 300, epochOriginSeconds: 1_000_000_100 };
const ORIGIN = TIMING.epochOriginSeconds;

describe('slot schedule', () => {
  it('runs every slot at its start, also while one lasts longer than a slot, until it is stopped', async () => {
    const clock = new SteppedClock((ORIGIN + 10) * 1000);
    const slots: Slot[] = [];
    let release: () => void = () => undefined;
    const stop = everySlot(
      timersOn(clock),
      () => TIMING,
      (slot) => {
        slots.push(slot);
        assert.equal(clock.nowMilliseconds(), slot.startSeconds * 1000);
        return new Promise((resolve) => (release = resolve));
      },
    );
    clock.advance((ORIGIN + 1_000) * 1000);
    assert.deepEqual(
      slots.map(({ startSeconds }) => startSeconds - ORIGIN),
      [300, 600, 900],
    );
    stop();
    clock.advance((ORIGIN + 3_000) * 1000);
    assert.equal(slots.length, 3);
    release();
    await Promise.resolve();
  });

  it('does not make up for slots that went by, nor repeats any when the clock goes back', () => {
    let now = ORIGIN * 1000;
    let due: { at: number; task: () => unknown } | undefined;
    const clock: Clock = {
      nowMilliseconds: () => now,
      setTimer: (atMilliseconds, task) => ((due = { at: atMilliseconds, task }), { atMilliseconds }),
      clearTimer: () => (due = undefined),
      activity: new Activity(),
    };
    const slots: number[] = [];
    const fireAt = (seconds: number): void => {
      now = (ORIGIN + seconds) * 1000;
      due?.task();
    };
    everySlot(
      timersOn(clock),
      () => TIMING,
      (slot) => (slots.push(slot.startSeconds - ORIGIN), Promise.resolve()),
    );
    fireAt(300);
    fireAt(4_000);
    assert.equal(due?.at, (ORIGIN + 4_200) * 1000, 'after a long sleep the next whole slot is due');
    fireAt(4_200);
    fireAt(4_500);
    now = ORIGIN * 1000;
    assert.equal(due.at, (ORIGIN + 4_800) * 1000);
    fireAt(4_800);
    assert.deepEqual(slots, [300, 4_200, 4_500, 4_800]);
  });

  it('draws offsets uniformly from the whole window, in milliseconds', () => {
    const draws = Array.from({ length: 20_000 }, () =>
      drawOffsetMilliseconds((length) => new Uint8Array(randomBytes(length)), 20),
    );
    const buckets = new Array<number>(20).fill(0);
    for (const draw of draws) {
      assert.ok(Number.isInteger(draw) && draw >= 0 && draw < 20_000);
      buckets[Math.floor(draw / 1_000)]!++;
    }
    // Chi-squared with 19 degrees of freedom: above 60 once in 300,000 runs.
    const chiSquared = buckets.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    assert.ok(chiSquared < 60, `chi-squared ${chiSquared}`);
    assert.ok(new Set(draws).size > 10_000, 'the grain is a millisecond');
  });

  it('draws a time for reading anew in each slot: after the grace, before the margin, never in the past', () => {
    const timing = { ...TIMING, graceSeconds: 120 };
    const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
    const offsets = new Set<number>();
    for (let party = 0; party < 200; party++) {
      const times = new ReadingTimes(random);
      for (const start of [ORIGIN, ORIGIN + 300]) {
        const slot = slotAt(timing, start);
        const at = times.at(slot, timing, start * 1000);
        assert.equal(times.at(slot, timing, start * 1000), at, 'one for all parties of a process');
        assert.ok(at >= (start + 120) * 1000 && at < (start + 280) * 1000);
        offsets.add(at - start * 1000);
      }
    }
    assert.ok(offsets.size > 350, `${offsets.size} different times of 400`);
    const late = (ORIGIN + 290) * 1000;
    assert.ok(new ReadingTimes(random).at(slotAt(timing, ORIGIN), timing, late) >= late);
    // With slots as long as the grace there is no time after it.
    const short = { ...timing, slotSeconds: 100 };
    const at = new ReadingTimes(random).at(slotAt(short, ORIGIN), short, ORIGIN * 1000);
    assert.ok(at >= ORIGIN * 1000 && at < (ORIGIN + 80) * 1000);
  });
});
