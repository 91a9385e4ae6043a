// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { Loop } from '../../protocol/onion/loop.js';
import { SteppedClock } from '../runtime/clock.js';
import type { Timers } from '../runtime/timers.js';
import { timersOn } from '../../test/support/links.js';
import { LoopWatch } from './loop-watch.js';

const START = 1_800_000_000_000;
const TO_ALARM = 3;

/** A loop that is held for ten seconds on its way. */
const loop = (number: number): Loop => ({
  path: [],
  packet: new Uint8Array(0),
  key: new Uint8Array(32).fill(number),
  delayMilliseconds: 10_000,
});

describe('watch over loops', () => {
  let clock: SteppedClock;
  let timers: Timers;
  let watch: LoopWatch;
  let events: string[];
  beforeEach(() => {
    clock = new SteppedClock(START);
    timers = timersOn(clock);
    events = [];
    watch = new LoopWatch(timers, {
      onCame: ({ key }) => events.push(`came ${key[0]}`),
      onMissing: ({ key }) => events.push(`missing ${key[0]}`),
      onCutOff: (cutOff) => events.push(cutOff ? 'cut off' : 'not cut off'),
    });
  });
  const lose = (number: number): void => {
    watch.sent(loop(number), TO_ALARM);
    clock.advance(clock.nowMilliseconds() + 15_000);
  };

  it('knows its own loops, each once, and nothing else', () => {
    watch.sent(loop(1), TO_ALARM);
    assert.equal(watch.came(loop(2).key), false);
    const alike = loop(1).key;
    alike[31] = 2;
    assert.equal(watch.came(alike), false);
    assert.equal(watch.came(loop(1).key), true);
    assert.equal(watch.came(loop(1).key), false);
    clock.advance(START + 60_000);
    assert.deepEqual(events, ['came 1']);
  });

  it('misses a loop five seconds after its delays are over, and not before', () => {
    watch.sent(loop(1), TO_ALARM);
    clock.advance(START + 14_999);
    assert.deepEqual(events, []);
    clock.advance(START + 15_000);
    assert.deepEqual(events, ['missing 1']);
    assert.equal(watch.came(loop(1).key), false, 'too late is missing');
  });

  it('raises the alarm after so many in a row, and clears it with the first that comes', () => {
    lose(1);
    lose(2);
    watch.sent(loop(3), TO_ALARM);
    watch.came(loop(3).key);
    lose(4);
    lose(5);
    assert.equal(watch.isCutOff, false, 'one came in between');
    lose(6);
    assert.equal(watch.isCutOff, true);
    lose(7);
    watch.sent(loop(8), TO_ALARM);
    watch.came(loop(8).key);
    assert.equal(watch.isCutOff, false);
    assert.deepEqual(events.slice(-5), ['missing 6', 'cut off', 'missing 7', 'came 8', 'not cut off']);
    assert.equal(events.filter((event) => event === 'cut off').length, 1, 'told once');
  });

  it('misses the others also when it fails at one', () => {
    watch = new LoopWatch(timers, {
      onMissing: ({ key }) => {
        events.push(`missing ${key[0]}`);
        throw new Error('a handler of the party');
      },
      onCutOff: () => undefined,
    });
    lose(1);
    lose(2);
    assert.deepEqual(events, ['missing 1', 'missing 2']);
    assert.equal(timers.failures.get('loop watch'), 2);
  });

  it('expects nothing after the timers of its party have been stopped', () => {
    watch.sent(loop(1), TO_ALARM);
    timers.stop();
    clock.advance(START + 60_000);
    assert.deepEqual(events, []);
    assert.equal(clock.state().nextTimer, null);
  });
});
