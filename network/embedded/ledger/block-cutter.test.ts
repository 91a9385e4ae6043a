// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import sinon from 'sinon';
import { BlockCutter } from './block-cutter.js';

describe('block cutter', () => {
  let clock: sinon.SinonFakeTimers;
  let batches: number[][];
  let cutter: BlockCutter;
  const order = (...sizes: number[]): void => {
    sizes.forEach((size) => cutter.order(new Uint8Array(size)));
  };

  beforeEach(() => {
    clock = sinon.useFakeTimers();
    batches = [];
    const limits = { maxMessageCount: 3, preferredMaxBytes: 100, batchTimeoutMilliseconds: 50 };
    cutter = new BlockCutter(limits, (batch) => batches.push(batch.map(({ length }) => length)));
  });

  afterEach(() => clock.restore());

  it('cuts when the count is reached', () => {
    order(1, 2, 3, 4);
    assert.deepEqual(batches, [[1, 2, 3]]);
  });

  it('cuts before an envelope that would exceed the size, which opens the next block', () => {
    order(60, 60);
    assert.deepEqual(batches, [[60]]);
    clock.tick(50);
    assert.deepEqual(batches, [[60], [60]]);
  });

  it('gives an envelope above the size a block for itself, in its turn', () => {
    order(10, 500, 20);
    assert.deepEqual(batches, [[10], [500]]);
  });

  it("cuts when the time since a block's first envelope is over, and not without one", () => {
    order(1);
    clock.tick(30);
    order(2);
    clock.tick(19);
    assert.deepEqual(batches, []);
    clock.tick(1);
    assert.deepEqual(batches, [[1, 2]]);
    clock.tick(1_000);
    assert.equal(batches.length, 1);
  });

  it('drops what is pending when it stops', () => {
    order(1);
    cutter.stop();
    clock.tick(100);
    assert.deepEqual(batches, []);
  });
});
