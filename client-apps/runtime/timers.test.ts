// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { SteppedClock } from './clock.js';
import { Timers } from './timers.js';

interface Line {
  level: number;
  msg: string;
  origin: string;
  failures: number;
  err: { message: string; stack: string };
}

describe('client-apps/runtime/timers', () => {
  let clock: SteppedClock;
  let lines: Line[];
  let timers: Timers;
  let fired: string[];

  beforeEach(() => {
    clock = new SteppedClock(0);
    lines = [];
    fired = [];
    const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
    timers = new Timers({ clock, log });
  });
  afterEach(() => timers.stop());
  const note = (name: string) => (): void => void fired.push(name);

  it('fire once, at their time of the clock or after their real milliseconds', async () => {
    timers.at('b', 2_000, note('b'));
    timers.at('a', 1_000, note('a'));
    timers.after('real', 1, note('real'));
    clock.advance(5_000);
    await pause(30);
    clock.advance(9_000);
    assert.deepEqual(fired, ['a', 'b', 'real']);
  });

  it('that throw or reject are logged once with their origin and counted; the others fire', async () => {
    timers.at('thrower', 1_000, () => {
      throw new Error('out of cheese');
    });
    timers.at('rejecter', 1_000, () => Promise.reject(new Error('out of bread')));
    timers.after('rejecter', 1, () => Promise.reject(new Error('still no bread')));
    timers.at('good', 1_000, note('good'));
    clock.advance(1_000);
    await pause(30);
    assert.deepEqual(fired, ['good']);
    assert.deepEqual(
      lines.map(({ level, msg, origin, failures, err }) => [level, msg, origin, failures, err.message]),
      [
        [50, 'a timer failed', 'thrower', 1, 'out of cheese'],
        [50, 'a timer failed', 'rejecter', 1, 'out of bread'],
        [50, 'a timer failed', 'rejecter', 2, 'still no bread'],
      ],
    );
    assert.match(lines[0]!.err.stack, /timers\.test/);
    assert.deepEqual([...timers.failures].sort(), [
      ['rejecter', 2],
      ['thrower', 1],
    ]);
    assert.equal(clock.state().work, 0, 'simulated time goes on');
  });

  it('are work under way while a task’s promise is pending', async () => {
    let release: () => void = () => undefined;
    timers.at('slow', 10, () => new Promise<void>((resolve) => (release = resolve)));
    clock.advance(10);
    assert.equal(clock.state().work, 1);
    release();
    await pause(1);
    assert.equal(clock.state().work, 0);
  });

  it('do not fire once cancelled', async () => {
    timers.at('clock', 10, note('clock'))();
    timers.after('real', 1, note('real'))();
    clock.advance(20);
    await pause(30);
    assert.deepEqual(fired, []);
  });

  it('all end with the stop of their party, and no other party’s', async () => {
    const other = new Timers({ clock, log: pino({ level: 'silent' }) });
    timers.at('clock', 10, note('clock'));
    timers.after('real', 1, note('real'));
    other.at('other', 10, note('other'));
    assert.equal(timers.signal.aborted, false);
    timers.stop();
    assert.equal(timers.signal.aborted, true);
    timers.at('late', 10, note('late'));
    timers.after('late', 0, note('late'));
    clock.advance(20);
    await pause(30);
    assert.deepEqual(fired, ['other']);
    other.stop();
  });
});
