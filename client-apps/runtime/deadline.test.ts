// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { withDeadline } from './deadline.js';

describe('client-apps/runtime/deadline', () => {
  it('gives the result, or the failure, of what is in time', async () => {
    const late = (): void => assert.fail('too late');
    assert.equal(await withDeadline(Promise.resolve(5), 10, late), 5);
    await assert.rejects(withDeadline(Promise.reject(new Error('refused')), 10, late), /refused/);
    await pause(20);
  });

  it('ends with what is thrown when the time is over', async () => {
    const never = new Promise<never>(() => undefined);
    const late = (): never => {
      throw new Error('gave no answer');
    };
    await assert.rejects(withDeadline(never, 5, late), /gave no answer/);
  });

  it('continues to wait when nothing is thrown', async () => {
    let end: (result: string) => void = () => undefined;
    let reminders = 0;
    const slow = new Promise<string>((resolve) => (end = resolve));
    const result = withDeadline(slow, 1, () => {
      reminders++;
      end('killed');
    });
    assert.equal(await result, 'killed');
    assert.equal(reminders, 1);
  });
});
