// SPDX-License-Identifier: Apache-2.0

/** A timer that can be cleared; fires once. */
export interface Timer {
  readonly atMilliseconds: number;
}

/**
 * The only source of time of every party. Besides time it counts what is under way, so that a simulated clock can
 * wait for a slow machine instead of running ahead of it.
 */
export interface Clock {
  /** Unix time in milliseconds. */
  nowMilliseconds(): number;
  /**
   * Runs `task` at the given Unix time, or at once (never synchronously) when that has passed. What the task returns
   * is tracked as work. Parties set timers by `Timers`, which deals with a task's failure; here it would end the process.
   */
  setTimer(atMilliseconds: number, task: () => void | Promise<void>): Timer;
  clearTimer(timer: Timer): void;
  /** Marks work that simulated time waits for; call the returned function once when it is done. */
  begin(label: string): () => void;
  /** Marks work until the promise settles; returns the same result. */
  track<T>(label: string, promise: Promise<T>): Promise<T>;
  /**
   * Link frames: `sent` is raised when a frame is queued, `received` when its handling has begun tracked work.
   * A difference in the sum over all processes is a frame on its way.
   */
  readonly frames: { sent: number; received: number };
}

/** Work in progress by label. Shared by both clocks, so that a daemon's state report shows the same names. */
abstract class WorkCounter {
  readonly frames = { sent: 0, received: 0 };
  protected readonly labels = new Map<string, number>();

  begin(label: string): () => void {
    this.labels.set(label, (this.labels.get(label) ?? 0) + 1);
    let open = true;
    return () => {
      if (!open) {
        return;
      }
      open = false;
      const left = (this.labels.get(label) ?? 0) - 1;
      if (left > 0) {
        this.labels.set(label, left);
      } else {
        this.labels.delete(label);
      }
    };
  }

  async track<T>(label: string, promise: Promise<T>): Promise<T> {
    const end = this.begin(label);
    try {
      return await promise;
    } finally {
      end();
    }
  }

  /** Runs a timer's task as work. */
  protected run(task: () => void | Promise<void>): void {
    const result = task();
    if (result instanceof Promise) {
      void this.track('timer', result);
    }
  }
}

/** `setTimeout` takes at most 2^31 − 1 ms; longer waits are taken in parts. */
const LONGEST_TIMEOUT_MILLISECONDS = 2 ** 31 - 1;

/** Real time. The only place in the client apps that reads the system clock. */
export class SystemClock extends WorkCounter implements Clock {
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
      this.run(task);
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
export class SteppedClock extends WorkCounter implements Clock {
  /** Sorted by deadline; equal deadlines keep the order in which they were set. */
  readonly #timers: PendingTimer[] = [];
  #advancing = false;

  #now: number;

  constructor(now: number) {
    super();
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
      const end = this.begin('timer');
      setImmediate(() => {
        if (!timer.cancelled) {
          this.run(task);
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
        this.run(timer.task);
      }
      this.#now = Math.max(this.#now, toMilliseconds);
    } finally {
      this.#advancing = false;
    }
  }

  state(): ClockState {
    let work = 0;
    for (const count of this.labels.values()) {
      work += count;
    }
    return {
      nowMilliseconds: this.#now,
      work,
      sent: this.frames.sent,
      received: this.frames.received,
      nextTimer: this.#next()?.atMilliseconds ?? null,
      labels: Object.fromEntries(this.labels),
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
