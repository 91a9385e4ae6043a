// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { SteppedClock, type ClockRequest, type ClockState } from '../../runtime/clock.js';
import { Stepper, type SteppedProcess } from './stepper.js';

/** A process in this one: its clock, and whether it is there. */
class Local implements SteppedProcess {
  clock = new SteppedClock(0);
  alive = true;

  constructor(readonly name: string) {}

  ask(request: ClockRequest): Promise<ClockState> {
    if (!this.alive) {
      return Promise.reject(new Error(`${this.name} has ended`));
    }
    if (request.kind === 'advance') {
      this.clock.advance(request.toMilliseconds);
    }
    return Promise.resolve(this.clock.state());
  }
}

const soon = (milliseconds: number): Promise<void> => new Promise((resume) => setTimeout(resume, milliseconds));

async function two(): Promise<{ stepper: Stepper; a: Local; b: Local }> {
  const [stepper, a, b] = [new Stepper(0), new Local('a'), new Local('b')];
  for (const member of [a, b]) {
    await stepper.setTime(member);
    await stepper.add(member);
  }
  return { stepper, a, b };
}

describe('Stepper', () => {
  it('lets no process run ahead of the work of another', async () => {
    const { stepper, a, b } = await two();
    const seen: string[] = [];
    a.clock.setTimer(5_000, async () => {
      await soon(30);
      seen.push(`a done, b at ${b.clock.nowMilliseconds()}`);
    });
    b.clock.setTimer(5_500, () => void seen.push('b half a second later'));
    b.clock.setTimer(7_000, () => void seen.push('b two seconds later'));
    await stepper.advanceTo(10_000);
    assert.deepEqual(seen, ['a done, b at 5000', 'b half a second later', 'b two seconds later']);
  });

  it('jumps over time in which nothing is due', async () => {
    const { stepper, a } = await two();
    let asked = 0;
    const ask = a.ask.bind(a);
    a.ask = (request) => {
      if (request.kind === 'advance') {
        asked++;
      }
      return ask(request);
    };
    await stepper.advanceTo(86_400_000);
    assert.equal(asked, 1);
    assert.equal(a.clock.nowMilliseconds(), 86_400_000);
  });

  it('waits for a frame that is on its way', async () => {
    const { stepper, a, b } = await two();
    a.clock.setTimer(1_000, () => {
      a.clock.activity.frames.sent++;
      setTimeout(() => {
        b.clock.activity.frames.received++;
        void b.clock.activity.track('handling', soon(20)).then(() => (handled = true));
      }, 20);
    });
    let handled = false;
    await stepper.advanceTo(1_000);
    assert.equal(handled, true);
  });

  it('waits for a process that comes back', async () => {
    const { stepper, b } = await two();
    b.alive = false;
    stepper.suspend(b);
    let back = false;
    const restartable = soon(30).then(async () => {
      b.clock = new SteppedClock(0);
      b.alive = true;
      await stepper.setTime(b);
      back = true;
      await stepper.add(b);
    });
    await stepper.advanceTo(2_000);
    assert.equal(back, true);
    assert.equal(b.clock.nowMilliseconds(), 2_000);
    await restartable;
  });

  it('fails with a process that ends and does not come back', async () => {
    const { stepper, b } = await two();
    b.alive = false;
    await assert.rejects(stepper.advanceTo(1_000), /b has ended/);
  });
});
