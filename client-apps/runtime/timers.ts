// SPDX-License-Identifier: Apache-2.0
import type { Clock } from './clock.js';
import type { Log } from './log.js';

type Task = () => void | Promise<void>;

/** Ends a timer that has not fired; afterwards it has no effect. */
export type CancelTimer = () => void;

/**
 * The timers of one party. An error that one throws, or rejects with, fails that timer alone: it is logged with the
 * origin given at its registration and counted, and the process goes on. A task whose failure must end the party says
 * so itself.
 */
export class Timers {
  /** The clock of {@link Timers.at}. */
  readonly clock: Clock;
  readonly #log: Log;
  readonly #failures = new Map<string, number>();
  readonly #pending = new Set<CancelTimer>();
  readonly #stopping = new AbortController();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.clock = clock;
    this.#log = log;
  }

  /** The number of failed runs of each origin that had one. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
  }

  /** Aborted by {@link Timers.stop}: for waits that end with the party. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /**
   * Runs a task once at a time of the clock, Unix milliseconds, or soon when that has passed. A promise that it returns
   * is work under way, for which simulated time waits.
   *
   * @param origin names the timer in the log
   */
  at(origin: string, atMilliseconds: number, task: Task): CancelTimer {
    return this.#register((fire) => {
      const timer = this.clock.setTimer(atMilliseconds, () => fire(origin, task));
      return () => this.clock.clearTimer(timer);
    });
  }

  /** Runs a task once after so many real milliseconds, for what concerns the machine and not the protocol. */
  after(origin: string, milliseconds: number, task: Task): CancelTimer {
    return this.#register((fire) => {
      const timer = setTimeout(() => void fire(origin, task), milliseconds);
      return () => clearTimeout(timer);
    });
  }

  /** Ends all timers; one that is registered later never fires. A running task is not interrupted. */
  stop(): void {
    this.#stopping.abort();
    for (const cancel of this.#pending) {
      cancel();
    }
  }

  /** @param arm sets the timer, and returns what clears it */
  #register(arm: (fire: (origin: string, task: Task) => void | Promise<void>) => () => void): CancelTimer {
    if (this.signal.aborted) {
      return () => undefined;
    }
    const clear = arm((origin, task) => {
      this.#pending.delete(cancel);
      return this.#run(origin, task);
    });
    const cancel = (): void => {
      clear();
      this.#pending.delete(cancel);
    };
    this.#pending.add(cancel);
    return cancel;
  }

  #run(origin: string, task: Task): void | Promise<void> {
    const failed = (error: unknown): void => {
      const failures = (this.#failures.get(origin) ?? 0) + 1;
      this.#failures.set(origin, failures);
      this.#log.error({ origin, failures, err: error }, 'a timer failed');
    };
    try {
      const result = task();
      return result instanceof Promise ? result.catch(failed) : undefined;
    } catch (error) {
      failed(error);
    }
  }
}
