// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  closeSeconds,
  epochOf,
  epochStartSeconds,
  isIntervalStart,
  rowTimeSeconds,
  windowStartSeconds,
} from './intervals.js';

const TIMING = { intervalSeconds: 1_800, graceSeconds: 120, epochOriginSeconds: 1_384_128_000, epochSeconds: 86_400 };

describe('protocol/schedule/intervals', () => {
  const start = TIMING.epochOriginSeconds + 86_400;

  it('has the reporting window after it, then the grace', () => {
    assert.equal(windowStartSeconds(TIMING, start), start + 1_800);
    assert.equal(rowTimeSeconds(TIMING, start), start + 1_800);
    assert.equal(closeSeconds(TIMING, start), start + 3_720);
  });

  it('belongs to the epoch in which it starts', () => {
    assert.equal(epochOf(TIMING, TIMING.epochOriginSeconds), 0);
    assert.equal(epochOf(TIMING, start - 1), 0);
    assert.equal(epochOf(TIMING, start), 1);
    assert.equal(epochOf(TIMING, epochStartSeconds(TIMING, 65_535)), 65_535);
    assert.throws(() => epochOf(TIMING, epochStartSeconds(TIMING, 65_536)), { code: 'EPOCH_RANGE' });
    assert.throws(() => epochOf(TIMING, TIMING.epochOriginSeconds - 1), { code: 'EPOCH_RANGE' });
  });

  it('starts at whole intervals from the origin of the epochs', () => {
    assert.ok(isIntervalStart(TIMING, TIMING.epochOriginSeconds));
    assert.ok(isIntervalStart(TIMING, start + 1_800));
    assert.ok(!isIntervalStart(TIMING, start + 900));
    assert.ok(!isIntervalStart(TIMING, TIMING.epochOriginSeconds - 1_800));
  });
});
