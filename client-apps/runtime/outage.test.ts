// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { pino } from 'pino';
import { Outage } from './outage.js';

describe('client-apps/runtime/outage', () => {
  let lines: { level: number; msg: string; seconds: number; reason?: string }[];
  let now: number;
  let outage: Outage;

  beforeEach(() => {
    lines = [];
    now = 1_000;
    const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) });
    outage = new Outage(log, 'ledger', () => now);
  });
  /** Fails once a second. @returns the seconds at which it was told */
  const failFor = (seconds: number): number[] => {
    const before = lines.length;
    for (let second = 0; second < seconds; second++, now += 1_000) {
      outage.unanswered({ reason: 'no peers' });
    }
    return lines.slice(before).map((line) => line.seconds);
  };

  it('is told at once, then at growing intervals, with the reason', () => {
    assert.deepEqual(failFor(200), [0, 5, 15, 35, 75, 155]);
    assert.deepEqual(lines[0], {
      ...lines[0],
      level: 40,
      reason: 'no peers',
      msg: 'ledger: no answer yet, retrying',
    });
  });

  it('is at most five minutes silent', () => {
    const told = failFor(3_000);
    assert.equal(told.at(-1)! - told.at(-2)!, 300);
  });

  it('is told when it is over, once', () => {
    failFor(7);
    outage.answered();
    outage.answered();
    assert.deepEqual(
      lines.map(({ level, msg, seconds }) => [level, msg, seconds]),
      [
        [40, 'ledger: no answer yet, retrying', 0],
        [40, 'ledger: no answer yet, retrying', 5],
        [30, 'ledger: answers again', 7],
      ],
    );
  });

  it('that comes and goes is told every five seconds at most; one after a quiet time at once', () => {
    for (let second = 0; second < 10; second++, now += 1_000) {
      outage.unanswered({ reason: 'no peers' });
      outage.answered();
    }
    assert.equal(lines.filter(({ level }) => level === 40).length, 2);
    now += 60_000;
    assert.deepEqual(failFor(1), [0]);
  });

  it('without an outage there is nothing to tell', () => {
    outage.answered();
    assert.deepEqual(lines, []);
  });
});
