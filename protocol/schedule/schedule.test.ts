// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FakeRegion } from '../../test/support/region.js';
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { closeSeconds, oldestUnclosedStart } from './closes.js';
import {
  directoryValidity,
  epochOf,
  epochStartSeconds,
  intervalNumber,
  intervalsPerEpoch,
  nearestEpoch,
} from './epochs.js';
import {
  intervalsBetween,
  intervalStartAfter,
  intervalStartAt,
  intervalStartFrom,
  isIntervalStart,
  nextStart,
  previousStart,
} from './intervals.js';
import { isSlotOfWindow, slotAt, slotsPerInterval, slotStartAfter } from './slots.js';
import { isInForce, parametersAt, parametersFor, parametersOfEpoch } from './versions.js';
import { reportedStart, rowTimeSeconds, windowStartSeconds } from './windows.js';

/** Every length of an interval that a region may use in practice, an origin on no round second, epochs of 1 to 48 intervals. */
const anyTiming = fc
  .record({
    intervalSeconds: fc.constantFrom(300, 900, 1_800, 3_600),
    slots: fc.constantFrom(1, 3, 6),
    graceSeconds: fc.integer({ min: 0, max: 600 }),
    epochOriginSeconds: fc.integer({ min: 0, max: 2_000_000_000 }),
    intervals: fc.integer({ min: 1, max: 48 }),
  })
  .map(({ slots, intervals, ...timing }) => ({
    ...timing,
    slotSeconds: timing.intervalSeconds / slots,
    epochSeconds: intervals * timing.intervalSeconds,
  }));
type Timing = typeof anyTiming extends fc.Arbitrary<infer T> ? T : never;

/** A timing with a time from its origin on, on the millisecond. */
const anyMoment = anyTiming.chain((timing) =>
  fc
    .integer({ min: 0, max: 100_000_000_000 })
    .map((milliseconds): [Timing, number] => [timing, timing.epochOriginSeconds + milliseconds / 1_000]),
);

/** A timing with the start of one of its intervals. */
const anyInterval = anyTiming.chain((timing) =>
  fc
    .integer({ min: 0, max: 60_000 })
    .map((index): [Timing, number] => [timing, timing.epochOriginSeconds + index * timing.intervalSeconds]),
);

const check = <T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => void): void =>
  fc.assert(fc.property(arbitrary, predicate), { numRuns: 300 });

const TIMING = {
  ...{ intervalSeconds: 1_800, slotSeconds: 300, graceSeconds: 120 },
  ...{ epochOriginSeconds: 1_384_128_100, epochSeconds: 86_400 },
};
const ORIGIN = TIMING.epochOriginSeconds;

describe('protocol/schedule/intervals', () => {
  it('are whole lengths from the origin of the epochs, and none is before it', () => {
    assert.ok(isIntervalStart(TIMING, ORIGIN));
    assert.ok(isIntervalStart(TIMING, ORIGIN + 1_800));
    assert.ok(!isIntervalStart(TIMING, ORIGIN + 900));
    assert.ok(!isIntervalStart(TIMING, ORIGIN - 1_800));
  });

  it('contain every time once: the start does, the next start does not', () => {
    check(anyMoment, ([timing, seconds]) => {
      const start = intervalStartAt(timing, seconds);
      assert.ok(isIntervalStart(timing, start));
      assert.ok(start <= seconds && seconds < nextStart(timing, start));
      assert.equal(intervalStartAfter(timing, seconds), nextStart(timing, start));
      assert.equal(intervalStartFrom(timing, seconds), start === seconds ? start : nextStart(timing, start));
    });
    check(anyInterval, ([timing, start]) => {
      assert.equal(intervalStartAt(timing, start), start);
      assert.equal(intervalStartAt(timing, start - 0.001), previousStart(timing, start));
    });
    assert.equal(intervalStartFrom(TIMING, ORIGIN - 100), ORIGIN);
  });

  it('lead back over any number of steps', () => {
    check(fc.tuple(anyInterval, fc.integer({ min: 0, max: 1_000 })), ([[timing, start], count]) => {
      const later = nextStart(timing, start, count);
      assert.equal(previousStart(timing, later, count), start);
      assert.equal(intervalsBetween(timing, start, later), count);
      assert.equal(intervalsBetween(timing, later, start), 0 - count);
    });
  });
});

describe('protocol/schedule/windows and slots', () => {
  it('put the window after the interval', () => {
    assert.equal(windowStartSeconds(TIMING, ORIGIN), ORIGIN + 1_800);
    assert.equal(rowTimeSeconds(TIMING, ORIGIN), ORIGIN + 1_800);
  });

  it('find the interval again that a window reports, at both borders', () => {
    check(anyInterval, ([timing, start]) => {
      const opens = windowStartSeconds(timing, start);
      assert.equal(reportedStart(timing, opens), start);
      assert.equal(reportedStart(timing, opens + timing.intervalSeconds - 0.001), start);
      assert.equal(reportedStart(timing, opens + timing.intervalSeconds), nextStart(timing, start));
      assert.equal(reportedStart(timing, opens - 0.001), previousStart(timing, start));
    });
  });

  it('divide a window into its slots, each found by any of its times', () => {
    check(anyMoment, ([timing, seconds]) => {
      const slot = slotAt(timing, seconds);
      assert.ok(slot.startSeconds <= seconds && seconds < slotStartAfter(timing, seconds));
      assert.equal(slot.ledgerStartSeconds, reportedStart(timing, seconds));
      assert.ok(isSlotOfWindow(timing, slot.ledgerStartSeconds, slot.startSeconds));
      assert.equal(slot.index + slot.left, slotsPerInterval(timing));
      assert.deepEqual(slotAt(timing, slot.startSeconds), slot);
    });
    check(anyInterval, ([timing, start]) => {
      const opens = windowStartSeconds(timing, start);
      const slots: number[] = [];
      for (let slot = opens; isSlotOfWindow(timing, start, slot); slot = slotStartAfter(timing, slot)) {
        slots.push(slot);
      }
      assert.equal(slots.length, slotsPerInterval(timing));
      assert.ok(!isSlotOfWindow(timing, start, opens - timing.slotSeconds));
      assert.ok(!isSlotOfWindow(timing, start, opens + 1));
    });
  });

  it('counts slots and windows from the origin of the epochs, also before it', () => {
    assert.deepEqual(slotAt(TIMING, ORIGIN + 3_600), {
      ...{ startSeconds: ORIGIN + 3_600, index: 0, left: 6, ledgerStartSeconds: ORIGIN + 1_800 },
    });
    assert.deepEqual(slotAt(TIMING, ORIGIN + 3_599), {
      ...{ startSeconds: ORIGIN + 3_300, index: 5, left: 1, ledgerStartSeconds: ORIGIN },
    });
    assert.equal(slotAt(TIMING, ORIGIN - 1).startSeconds, ORIGIN - 300);
    assert.equal(slotAt(TIMING, ORIGIN).ledgerStartSeconds, ORIGIN - 1_800, 'a ledger before the first interval');
  });
});

describe('protocol/schedule/closes', () => {
  it('come after the window and the grace', () => assert.equal(closeSeconds(TIMING, ORIGIN), ORIGIN + 3_720));

  it('leave an interval the oldest unclosed one until its own close', () => {
    check(anyInterval, ([timing, start]) => {
      const close = closeSeconds(timing, start);
      assert.equal(oldestUnclosedStart(timing, close - 0.001), start);
      assert.equal(oldestUnclosedStart(timing, close), nextStart(timing, start));
    });
  });
});

describe('protocol/schedule/epochs', () => {
  it('contain the intervals that start in them', () => {
    assert.equal(epochOf(TIMING, ORIGIN), 0);
    assert.equal(epochOf(TIMING, ORIGIN + 86_399), 0);
    assert.equal(epochOf(TIMING, ORIGIN + 86_400), 1);
    check(anyInterval, ([timing, start]) => {
      const epoch = epochOf(timing, start);
      const number = intervalNumber(timing, start);
      assert.ok(number >= 1 && number <= intervalsPerEpoch(timing));
      assert.equal(nextStart(timing, epochStartSeconds(timing, epoch), number - 1), start);
      assert.equal(epochOf(timing, epochStartSeconds(timing, epoch)), epoch);
      assert.equal(nearestEpoch(timing, start), epoch);
    });
  });

  it('end: nothing is before epoch 0 or after the last', () => {
    const afterLast = epochStartSeconds(TIMING, MAXIMUM_EPOCH + 1);
    assert.equal(epochOf(TIMING, afterLast - 1_800), MAXIMUM_EPOCH);
    assert.throws(() => epochOf(TIMING, afterLast), { code: 'EPOCH_RANGE' });
    assert.throws(() => epochOf(TIMING, ORIGIN - 1), { code: 'EPOCH_RANGE' });
    assert.throws(() => epochOf(TIMING, Number.NaN), { code: 'EPOCH_RANGE' });
    assert.deepEqual(
      [ORIGIN - 1, afterLast].map((seconds) => nearestEpoch(TIMING, seconds)),
      [0, MAXIMUM_EPOCH],
    );
  });

  it('have packets from the first window of their intervals to the end of the last', () => {
    check(anyInterval, ([timing, start]) => {
      const epoch = epochOf(timing, start);
      const { validFromSeconds, validUntilSeconds } = directoryValidity(timing, epoch);
      const window = windowStartSeconds(timing, start);
      assert.ok(validFromSeconds <= window && nextStart(timing, window) <= validUntilSeconds);
      assert.equal(directoryValidity(timing, epoch + 1).validFromSeconds, validUntilSeconds);
    });
  });
});

describe('protocol/schedule/versions', () => {
  const { parameters } = new FakeRegion({ meters: 1 });
  const from = (version: number, effectiveFromSeconds: number) => ({
    parameters: { ...parameters, version, effectiveFromSeconds },
    signature: new Uint8Array(64),
  });
  const origin = parameters.epochOriginSeconds;
  const list = [from(1, origin + 3_600), from(2, origin + 7_200), from(3, origin + 2 * parameters.epochSeconds)];
  const numbersAt = (find: typeof parametersAt, ...seconds: number[]): number[] =>
    seconds.map((second) => find(list, origin + second).version);

  it('are in force from their second to that of the next', () => {
    for (const find of [parametersAt, parametersFor]) {
      assert.deepEqual(numbersAt(find, 3_600, 7_199, 7_200, 2 * parameters.epochSeconds), [1, 1, 2, 3]);
    }
  });

  it('are the first one for a time before it; an interval there has none', () => {
    assert.deepEqual(numbersAt(parametersAt, 3_599, 0, -1), [1, 1, 1]);
    assert.throws(() => parametersFor(list, origin + 3_599), { code: 'NOT_EFFECTIVE' });
    assert.throws(() => parametersFor([], origin), { code: 'NOT_EFFECTIVE' });
    assert.throws(() => parametersAt([], origin), { code: 'NOT_EFFECTIVE' });
    assert.throws(() => parametersOfEpoch([], 0), { code: 'NOT_EFFECTIVE' });
  });

  it('serve an epoch by its start', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((epoch) => parametersOfEpoch(list, epoch).version),
      [1, 2, 3, 3],
    );
  });

  it('found from the newest back, as the contract does, are the same', () => {
    check(fc.integer({ min: -10_000, max: 300_000 }), (seconds) => {
      const newestFirst = list.map((signed) => signed.parameters).reverse();
      const found = newestFirst.find((version) => isInForce(version, origin + seconds));
      assert.equal(found, parametersAt(list, origin + seconds));
    });
  });
});
