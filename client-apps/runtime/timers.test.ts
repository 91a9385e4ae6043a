// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
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
        [50, 'a task failed', 'thrower', 1, 'out of cheese'],
        [50, 'a task failed', 'rejecter', 1, 'out of bread'],
      ],
    );
    assert.match(lines[0]!.err.stack, /timers\.test/);
    assert.deepEqual([...timers.failures].sort(), [
      ['good', 0],
      ['rejecter', 2],
      ['thrower', 1],
    ]);
    assert.equal(clock.state().work, 0, 'simulated time goes on');
  });

  it('log the first failure of an origin, the tenth, the hundredth, and count all', () => {
    for (let run = 0; run < 250; run++) {
      void timers.run('thrower', () => {
        throw new Error('out of cheese');
      });
    }
    assert.deepEqual(
      lines.map(({ failures }) => failures),
      [1, 10, 100],
    );
    assert.equal(timers.failures.get('thrower'), 250);
  });

  it('are event handlers too: one that fails does not keep the others from the event, nor from the next', async () => {
    const emitter = new EventEmitter();
    const failed: string[] = [];
    timers.on(
      'thrower',
      emitter,
      'event',
      () => {
        throw new Error('out of cheese');
      },
      () => failed.push('thrower'),
    );
    timers.on('rejecter', emitter, 'event', () => Promise.reject(new Error('out of bread')));
    const remove = timers.on('good', emitter, 'event', (what: string) => note(what)());
    emitter.emit('event', 'one');
    emitter.emit('event', 'two');
    remove();
    emitter.emit('event', 'three');
    await pause(1);
    assert.deepEqual(fired, ['one', 'two']);
    assert.deepEqual(failed, ['thrower', 'thrower', 'thrower']);
    assert.deepEqual([...timers.failures].sort(), [
      ['good', 0],
      ['rejecter', 3],
      ['thrower', 3],
    ]);
  });

  it('come again at every time of a schedule, also after a failure and when the next time cannot be told', () => {
    const runs: number[] = [];
    let isKnown = true;
    const next = (after: number): number => {
      if (!isKnown) {
        throw new Error('no parameters');
      }
      return 1_000 * (Math.floor(after / 1_000) + 1);
    };
    const cancel = timers.repeat('schedule', next, (at) => {
      runs.push(at);
      throw new Error('out of cheese');
    });
    clock.advance(2_000);
    isKnown = false;
    clock.advance(3_000);
    isKnown = true;
    clock.advance(4_000);
    clock.advance(5_000);
    cancel();
    clock.advance(9_000);
    assert.deepEqual(runs, [1_000, 2_000, 3_000, 4_000, 5_000]);
    assert.equal(timers.failures.get('schedule'), 6);
    assert.equal(clock.state().nextTimer, null);
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
