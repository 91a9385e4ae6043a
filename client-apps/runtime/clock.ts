// SPDX-License-Identifier: Apache-2.0
import { Activity } from './activity.js';

/** A timer that can be cleared; fires once. */
export interface Timer {
  readonly atMilliseconds: number;
}

/** The only source of time of every party. */
export interface Clock {
  /** Unix time in milliseconds. */
  nowMilliseconds(): number;
  /**
   * Runs `task` at the given Unix time, or at once (never synchronously) when that has passed. What the task returns
   * is tracked as work. Parties set timers by `Timers`, which deals with a task's failure; here it would end the process.
   */
  setTimer(atMilliseconds: number, task: () => void | Promise<void>): Timer;
  clearTimer(timer: Timer): void;
  /** Work under way, for which simulated time waits. */
  readonly activity: Activity;
}

/** Runs a timer's task as work. */
function run(activity: Activity, task: () => void | Promise<void>): void {
  const result = task();
  if (result instanceof Promise) {
    void activity.track('timer', result);
  }
}

/** `setTimeout` takes at most 2^31 − 1 ms; longer waits are taken in parts. */
const LONGEST_TIMEOUT_MILLISECONDS = 2 ** 31 - 1;

/** Real time. The only place in the client apps that reads the system clock. */
export class SystemClock implements Clock {
  readonly activity = new Activity();
  readonly #handles = new Map<Timer, NodeJS.Timeout>();

  nowMilliseconds(): number {
    return Date.now();
  }

  setTimer(atMilliseconds: number, task: () => void | Promise<void>): Timer {
    const timer: Timer = { atMilliseconds };
    this.#arm(timer, task);
    return timer;
  }

  clearTimer(timer: Timer): void {
    clearTimeout(this.#handles.get(timer));
    this.#handles.delete(timer);
  }

  #arm(timer: Timer, task: () => void | Promise<void>): void {
    const wait = Math.min(Math.max(0, timer.atMilliseconds - this.nowMilliseconds()), LONGEST_TIMEOUT_MILLISECONDS);
    const wake = (): void => {
      if (this.nowMilliseconds() < timer.atMilliseconds) {
        this.#arm(timer, task);
        return;
      }
      this.#handles.delete(timer);
      run(this.activity, task);
    };
    this.#handles.set(timer, setTimeout(wake, wait));
  }
}

/** State of a stepped clock; the orchestrator adds up those of all processes. */
export interface ClockState {
  readonly nowMilliseconds: number;
  /** Number of pieces of work under way. */
  readonly work: number;
  readonly sent: number;
  readonly received: number;
  /** Deadline of the next timer, Unix milliseconds, or null. */
  readonly nextTimer: number | null;
  /** Pieces of work by label, for progress and to diagnose a stall. */
  readonly labels: Readonly<Record<string, number>>;
}

/** Orchestrator → process. */
export type ClockRequest = { kind: 'advance'; toMilliseconds: number } | { kind: 'poll' };
/** Process → orchestrator, one answer to each request: an `advance` is answered like a `poll`. */
export type ClockAnswer = { kind: 'state' } & ClockState;

/** The part of `process` that carries IPC messages. */
export interface MessagePort {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
  send?(message: unknown): boolean;
}

interface PendingTimer extends Timer {
  readonly task: () => void | Promise<void>;
  cancelled: boolean;
}

/**
 * Simulated time: does not move until `advance`, which fires the timers that are due in order, each at its own
 * deadline. Nothing in a process that runs on it can therefore depend on how fast the machine is.
 */
export class SteppedClock implements Clock {
  readonly activity = new Activity();
  /** Sorted by deadline; equal deadlines keep the order in which they were set. */
  readonly #timers: PendingTimer[] = [];
  #advancing = false;

  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  /**
   * A clock driven over the process's IPC channel. Resolves with the first `advance`, whose time is the clock's
   * start, so a party never sees a time that the orchestrator did not give.
   */
  static connect(port: MessagePort): Promise<SteppedClock> {
    return new Promise((resolve) => {
      let clock: SteppedClock | undefined;
      port.on('message', (message) => {
        if (!isClockRequest(message)) {
          return;
        }
        if (message.kind === 'advance') {
          if (clock === undefined) {
            resolve((clock = new SteppedClock(message.toMilliseconds)));
          } else {
            clock.advance(message.toMilliseconds);
          }
        }
        if (clock !== undefined) {
          port.send?.({ kind: 'state', ...clock.state() } satisfies ClockAnswer);
        }
      });
    });
  }

  nowMilliseconds(): number {
    return this.#now;
  }

  setTimer(atMilliseconds: number, task: () => void | Promise<void>): Timer {
    const timer: PendingTimer = { atMilliseconds, task, cancelled: false };
    if (atMilliseconds <= this.#now && !this.#advancing) {
      const end = this.activity.begin('timer');
      setImmediate(() => {
        if (!timer.cancelled) {
          run(this.activity, task);
        }
        end();
      });
      return timer;
    }
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timers[middle]!.atMilliseconds <= atMilliseconds) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    (timer as PendingTimer).cancelled = true;
  }

  /** Moves time forward, firing what becomes due. Time never goes back: an earlier `toMilliseconds` does nothing. */
  advance(toMilliseconds: number): void {
    this.#advancing = true;
    try {
      for (let timer = this.#next(); timer && timer.atMilliseconds <= toMilliseconds; timer = this.#next()) {
        this.#timers.shift();
        this.#now = Math.max(this.#now, timer.atMilliseconds);
        run(this.activity, timer.task);
      }
      this.#now = Math.max(this.#now, toMilliseconds);
    } finally {
      this.#advancing = false;
    }
  }

  state(): ClockState {
    const { frames, labels } = this.activity;
    let work = 0;
    for (const count of labels.values()) {
      work += count;
    }
    return {
      nowMilliseconds: this.#now,
      work,
      sent: frames.sent,
      received: frames.received,
      nextTimer: this.#next()?.atMilliseconds ?? null,
      labels: Object.fromEntries(labels),
    };
  }

  #next(): PendingTimer | undefined {
    while (this.#timers[0]?.cancelled) {
      this.#timers.shift();
    }
    return this.#timers[0];
  }
}

function isClockRequest(message: unknown): message is ClockRequest {
  if (typeof message !== 'object' || message === null || !('kind' in message)) {
    return false;
  }
  if (message.kind === 'poll') {
    return true;
  }
  return message.kind === 'advance' && 'toMilliseconds' in message && Number.isSafeInteger(message.toMilliseconds);
}
