// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Senders } from './senders.js';

describe('packets to a next hop', () => {
  const limits = { packets: 100, senders: 5 };

  it('are shared out: a neighbour that sends all its packets the same way leaves the others their part', () => {
    const senders = new Senders();
    const forward = (number: number, hop = 'next', slot = 1): boolean => senders.mayForward(number, hop, limits, slot);
    const flood = Array.from({ length: 1_000 }, () => forward(1)).filter(Boolean).length;
    assert.equal(flood, 50, 'the first half is for whoever comes');
    for (const number of [2, 3, 4, 5]) {
      assert.equal(Array.from({ length: 20 }, () => forward(number)).filter(Boolean).length, 10);
    }
    assert.equal(forward(1, 'another'), true);
    assert.equal(forward(1, 'next', 2), true, 'in the next slot');
  });

  it('are never more than the next hop accepts, however many send', () => {
    const senders = new Senders();
    const sent = Array.from({ length: 1_000 }, (_, number) => senders.mayForward(number, 'next', limits, 1));
    assert.equal(sent.filter(Boolean).length, limits.packets);
  });

  it('know a neighbour again by its pin', () => {
    const senders = new Senders();
    const one = senders.of(new Uint8Array(32).fill(1));
    assert.equal(senders.of(new Uint8Array(32).fill(1)), one);
    assert.notEqual(senders.of(new Uint8Array(32).fill(2)), one);
    assert.equal(senders.numbered(one.number), one);
  });
});
