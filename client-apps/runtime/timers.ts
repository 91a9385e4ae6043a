// SPDX-License-Identifier: Apache-2.0
import type { EventEmitter } from 'node:events';
import type { Clock } from './clock.js';
import type { Log } from './log.js';

type Task = () => void | Promise<void>;

/** Cancels a supervised task: a timer that has not fired, or a handler. A second call has no effect. */
export type CancelTimer = () => void;

/** Time after which a schedule that threw is asked for its next time again, milliseconds. */
const SCHEDULE_RETRY_MILLISECONDS = 1_000;

/** The parts of a party that the supervision needs. */
export interface SupervisedContext {
  readonly clock: Clock;
  readonly log: Log;
  /** For tests: receives every origin that is registered, and the origin of each run. */
  readonly witness?: TaskWitness;
}

/** An emitter, and the event of it that is handled. */
export type EventSource = readonly [emitter: Pick<EventEmitter, 'on' | 'off'>, event: string];

/** Sees the supervised tasks of a party. */
export interface TaskWitness {
  registered(origin: string): void;
  runs(origin: string): void;
}

/**
 * The supervised tasks of one party: its timers and its event handlers. An error that one throws, or rejects with, fails
 * that run alone: it is counted and logged with the origin given at its registration, and the process continues. A task
 * whose failure must end the party handles it in `onFailure` or ends the party itself.
 */
export class Timers {
  /** The clock of {@link Timers.at}. */
  readonly clock: Clock;
  readonly #log: Log;
  readonly #witness: TaskWitness | undefined;
  /** Failed runs by origin. */
  readonly #origins = new Map<string, number>();
  readonly #pending = new Set<CancelTimer>();
  readonly #stopping = new AbortController();

  constructor({ clock, log, witness }: SupervisedContext) {
    this.clock = clock;
    this.#log = log;
    this.#witness = witness;
  }

  /** The number of failed runs of each origin that was registered. */
  get failures(): ReadonlyMap<string, number> {
    return this.#origins;
  }

  /** Aborted by {@link Timers.stop}: for waits that end with the party. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /**
   * Runs a task once at a time of the clock, Unix milliseconds, or soon when that has passed. A promise that it returns
   * is work under way, for which simulated time waits.
   *
   * @param origin names the task in the log and in the metrics: a constant, never anything of a peer
   * @param onFailure deals with a failed run, after it was logged
   */
  at(origin: string, atMilliseconds: number, task: Task, onFailure?: () => void): CancelTimer {
    this.#register(origin);
    return this.#arm((fire) => {
      const timer = this.clock.setTimer(atMilliseconds, () => fire(() => this.run(origin, task, onFailure)));
      return () => this.clock.clearTimer(timer);
    });
  }

  /**
   * Runs a task at every time of a schedule. The next time is set before the run, so that neither a failed run nor a
   * long one delays it.
   *
   * @param next the first time after a given one, both Unix milliseconds; asked before each run
   */
  repeat(
    origin: string,
    next: (afterMilliseconds: number) => number,
    task: (atMilliseconds: number) => void | Promise<void>,
  ): CancelTimer {
    this.#register(origin);
    let cancel: CancelTimer = () => undefined;
    const schedule = (afterMilliseconds: number): void => {
      let due: number;
      try {
        due = next(afterMilliseconds);
      } catch (error) {
        this.#failed(origin, error);
        cancel = this.at(origin, this.clock.nowMilliseconds() + SCHEDULE_RETRY_MILLISECONDS, () =>
          schedule(afterMilliseconds),
        );
        return;
      }
      cancel = this.#arm((fire) => {
        const timer = this.clock.setTimer(due, () =>
          fire(() => {
            schedule(Math.max(due, this.clock.nowMilliseconds()));
            return this.run(origin, () => task(due));
          }),
        );
        return () => this.clock.clearTimer(timer);
      });
    };
    schedule(this.clock.nowMilliseconds());
    return () => cancel();
  }

  /** Resolves at a time of the clock, Unix milliseconds; never, when the party is stopped before. */
  until(atMilliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#arm((fire) => {
        const timer = this.clock.setTimer(atMilliseconds, () => fire(resolve));
        return () => this.clock.clearTimer(timer);
      });
    });
  }

  /**
   * Runs a task once after so many real milliseconds, for what concerns the machine and not the protocol.
   *
   * @param onFailure as in {@link Timers.at}
   */
  after(origin: string, milliseconds: number, task: Task, onFailure?: () => void): CancelTimer {
    this.#register(origin);
    return this.#arm((fire) => {
      const timer = setTimeout(() => void fire(() => this.run(origin, task, onFailure)), milliseconds);
      return () => clearTimeout(timer);
    });
  }

  /** Runs a task once in the next turn of the event loop. @param onFailure as in {@link Timers.at} */
  soon(origin: string, task: Task, onFailure?: () => void): void {
    this.#register(origin);
    setImmediate(() => void this.run(origin, task, onFailure));
  }

  /**
   * Handles an event of an emitter, also after {@link Timers.stop}: a socket that closes has its handlers until its end.
   *
   * @param onFailure deals with a failed run, after it was logged; gets what the handler got
   * @returns removes the handler
   */
  on<Arguments extends unknown[]>(
    origin: string,
    [emitter, event]: EventSource,
    handler: (...args: Arguments) => void | Promise<void>,
    onFailure?: (...args: Arguments) => void,
  ): CancelTimer {
    this.#register(origin);
    const supervised = (...args: unknown[]): void => {
      const given = args as Arguments;
      void this.run(
        origin,
        () => handler(...given),
        () => onFailure?.(...given),
      );
    };
    emitter.on(event, supervised);
    return () => void emitter.off(event, supervised);
  }

  /**
   * Runs a task now, such as the handler of a frame. Neither throws nor rejects.
   *
   * @param onFailure as in {@link Timers.at}
   * @returns the task's promise, when it returned one
   */
  run(origin: string, task: Task, onFailure?: () => void): void | Promise<void> {
    const failed = (error: unknown): void => {
      this.#failed(origin, error);
      onFailure?.();
    };
    this.#register(origin);
    try {
      this.#witness?.runs(origin);
      const result = task();
      return result instanceof Promise ? result.catch(failed) : undefined;
    } catch (error) {
      failed(error);
    }
  }

  /** Ends all timers; one that is registered later never fires. A running task is not interrupted. */
  stop(): void {
    this.#stopping.abort();
    for (const cancel of this.#pending) {
      cancel();
    }
  }

  #register(origin: string): void {
    if (!this.#origins.has(origin)) {
      this.#origins.set(origin, 0);
      this.#witness?.registered(origin);
    }
  }

  /** @param set sets the timer, and returns what clears it */
  #arm(set: (fire: (run: Task) => void | Promise<void>) => () => void): CancelTimer {
    if (this.signal.aborted) {
      return () => undefined;
    }
    const clear = set((run) => {
      this.#pending.delete(cancel);
      return run();
    });
    const cancel = (): void => {
      clear();
      this.#pending.delete(cancel);
    };
    this.#pending.add(cancel);
    return cancel;
  }

  /** Counts a failure, and logs the first of an origin, the tenth, the hundredth and so on. */
  #failed(origin: string, error: unknown): void {
    const failures = this.#origins.get(origin)! + 1;
    this.#origins.set(origin, failures);
    if (/^10*$/.test(String(failures))) {
      this.#log.error({ origin, failures, err: error }, 'a task failed');
    }
  }
}
