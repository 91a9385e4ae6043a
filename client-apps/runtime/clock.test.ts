// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { SteppedClock, SystemClock, type ClockAnswer } from './clock.js';

describe('client-apps/runtime/clock', () => {
  it('fires timers in order, each at its own deadline', () => {
    const clock = new SteppedClock(1_000);
    const fired: [string, number][] = [];
    const note = (name: string) => () => void fired.push([name, clock.nowMilliseconds()]);
    clock.setTimer(3_000, note('c'));
    clock.setTimer(2_000, note('a'));
    clock.setTimer(2_000, note('b'));
    clock.setTimer(9_000, note('later'));
    clock.advance(5_000);
    assert.deepEqual(fired, [
      ['a', 2_000],
      ['b', 2_000],
      ['c', 3_000],
    ]);
    assert.equal(clock.nowMilliseconds(), 5_000);
    assert.equal(clock.state().nextTimer, 9_000);
  });

  it('fires what a timer sets within the same advance, and never goes back', () => {
    const clock = new SteppedClock(0);
    const fired: number[] = [];
    clock.setTimer(10, () => void clock.setTimer(20, () => void fired.push(clock.nowMilliseconds())));
    clock.advance(30);
    assert.deepEqual(fired, [20]);
    clock.advance(5);
    assert.equal(clock.nowMilliseconds(), 30);
  });

  it('does not fire a cleared timer and does not name it as next', () => {
    const clock = new SteppedClock(0);
    const timer = clock.setTimer(10, () => assert.fail('was cleared'));
    clock.setTimer(20, () => undefined);
    clock.clearTimer(timer);
    assert.equal(clock.state().nextTimer, 20);
    clock.advance(15);
  });

  it('runs a timer whose time has passed soon, but not synchronously, and counts it as work meanwhile', async () => {
    const clock = new SteppedClock(100);
    let ran = false;
    clock.setTimer(50, () => void (ran = true));
    assert.equal(ran, false);
    assert.equal(clock.state().work, 1);
    await turn();
    assert.equal(ran, true);
    assert.equal(clock.state().work, 0);
  });

  it('counts work by label until it ends, once each', async () => {
    const clock = new SteppedClock(0);
    const end = clock.activity.begin('interval');
    clock.activity.begin('interval');
    const tracked = clock.activity.track('download', Promise.resolve(7));
    assert.deepEqual(clock.state().labels, { interval: 2, download: 1 });
    assert.equal(clock.state().work, 3);
    end();
    end();
    assert.equal(await tracked, 7);
    assert.deepEqual(clock.state().labels, { interval: 1 });
    await assert.rejects(clock.activity.track('failing', Promise.reject(new Error('no'))), /no/);
    assert.equal(clock.state().work, 1);
  });

  it('holds a timer’s promise as work', async () => {
    const clock = new SteppedClock(0);
    let release = (): void => undefined;
    clock.setTimer(10, () => new Promise<void>((resolve) => (release = resolve)));
    clock.advance(10);
    assert.equal(clock.state().work, 1);
    release();
    await turn();
    assert.equal(clock.state().work, 0);
  });

  it('is driven over an IPC channel from the first advance on', async () => {
    const port = new EventEmitter() as EventEmitter & { send(message: unknown): boolean };
    const answers: ClockAnswer[] = [];
    port.send = (message) => answers.push(message as ClockAnswer) > 0;
    const connecting = SteppedClock.connect(port);
    port.emit('message', { kind: 'poll' });
    assert.equal(answers.length, 0, 'no time yet, no answer');
    port.emit('message', { kind: 'advance', toMilliseconds: 5_000 });
    const clock = await connecting;
    assert.equal(clock.nowMilliseconds(), 5_000);
    clock.activity.frames.sent += 2;
    clock.activity.begin('packet');
    port.emit('message', { kind: 'unknown' });
    port.emit('message', { kind: 'advance', toMilliseconds: 'soon' });
    port.emit('message', { kind: 'advance', toMilliseconds: 6_000 });
    assert.deepEqual(answers.at(-1), {
      kind: 'state',
      nowMilliseconds: 6_000,
      work: 1,
      sent: 2,
      received: 0,
      nextTimer: null,
      labels: { packet: 1 },
    });
    assert.equal(answers.length, 2);
  });

  it('keeps real time in the system clock, in order, and clears', async () => {
    const clock = new SystemClock();
    const now = clock.nowMilliseconds();
    const fired: string[] = [];
    clock.clearTimer(clock.setTimer(now + 1, () => void fired.push('cleared')));
    const far = clock.setTimer(now + 2 ** 40, () => void fired.push('far'));
    await new Promise<void>((resolve) => clock.setTimer(now + 5, resolve));
    assert.deepEqual(fired, []);
    assert.ok(clock.nowMilliseconds() >= now + 5);
    clock.clearTimer(far);
  });
});
