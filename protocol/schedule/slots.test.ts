// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { slotAt } from './slots.js';

const TIMING = { intervalSeconds: 1_800, slotSeconds: 300, epochOriginSeconds: 1_000_000_100 };
const ORIGIN = TIMING.epochOriginSeconds;

describe('protocol/schedule/slots', () => {
  it('counts slots and windows from the origin of the epochs', () => {
    assert.deepEqual(slotAt(TIMING, ORIGIN + 3_600), {
      startSeconds: ORIGIN + 3_600,
      index: 0,
      left: 6,
      ledgerStartSeconds: ORIGIN + 1_800,
    });
    assert.deepEqual(slotAt(TIMING, ORIGIN + 3_599), {
      startSeconds: ORIGIN + 3_300,
      index: 5,
      left: 1,
      ledgerStartSeconds: ORIGIN,
    });
    assert.equal(slotAt(TIMING, ORIGIN - 1).startSeconds, ORIGIN - 300);
  });
});
