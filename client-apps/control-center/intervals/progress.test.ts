// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { IntervalMaker } from '../../../test/support/interval.js';
import { FakeRegion } from '../../../test/support/region.js';
import {
  decodeClosing,
  decodeSettling,
  encodeClosing,
  encodeSettling,
  nextToFreeze,
  nextToSettle,
} from './progress.js';

describe('client-apps/control-center/intervals/progress', () => {
  it('reads back as it was written, and tells the next interval', () => {
    const kit = new FakeRegion();
    const interval = new IntervalMaker(kit).next([0, 0, 0, 0, 0]);
    const begun = { firstStartSeconds: kit.startOf(0) };
    const closing = { ...begun, consumption: interval.consumption.seal };
    const settling = { pricing: interval.pricing.seal, billing: interval.billing.seal };
    assert.deepEqual(decodeClosing(encodeClosing(begun)), begun);
    assert.deepEqual(decodeClosing(encodeClosing(closing)), closing);
    assert.deepEqual(decodeSettling(encodeSettling(settling)), settling);
    assert.deepEqual(
      [begun, closing].map((progress) => nextToFreeze(progress, { intervalSeconds: 1_800 })),
      [kit.startOf(0), kit.startOf(1)],
    );
    assert.deepEqual(
      [undefined, settling].map((progress) => nextToSettle(closing, progress, { intervalSeconds: 1_800 })),
      [kit.startOf(0), kit.startOf(1)],
    );
  });
});
