// SPDX-License-Identifier: Apache-2.0
import { ClientError } from '../../runtime/errors.js';
import type { ReportData } from '../../runtime/report.js';
import { Child, type ChildSpec } from './child.js';
import type { Stepper } from './stepper.js';

/** Hooks of the system tests. */
export interface ProcessHooks {
  /** Changes the specification of a process before it starts. */
  readonly beforeStart?: (spec: ChildSpec) => ChildSpec;
  /** Names of processes that are restarted when they exit; the exit of any other fails the run. */
  readonly restartable?: ReadonlySet<string>;
}

/** All processes of a run. None outlives the run, however it ends. */
export class ProcessGroup {
  readonly #children: Child[] = [];
  readonly #runs = new Map<Child, Promise<ReportData>>();
  #stopped = false;
  #fail: (error: unknown) => void = () => {};
  /** Never resolves; rejects when a process exits unexpectedly. */
  readonly failed: Promise<never> = new Promise((_, reject) => (this.#fail = reject));
  /** Number of restarts by process name. */
  readonly restarts = new Map<string, number>();
  readonly #killAll = (): void => {
    this.#children.forEach((child) => child.killNow());
  };

  readonly #stepper: Stepper;
  readonly #logDirectory: string;
  readonly #hooks: ProcessHooks;

  constructor(stepper: Stepper, logDirectory: string, hooks: ProcessHooks = {}) {
    this.#stepper = stepper;
    this.#logDirectory = logDirectory;
    this.#hooks = hooks;

    this.failed.catch(() => {});
    process.once('exit', this.#killAll);
  }

  /** Starts a process, sets its clock if it is stepped, and returns its `ready` report. */
  async start(spec: ChildSpec): Promise<{ child: Child; ready: ReportData }> {
    if (this.#stopped) {
      throw new ClientError('INTERRUPTED', `${spec.name} not started: the run is stopping`);
    }
    const child = new Child(this.#hooks.beforeStart?.(spec) ?? spec, this.#logDirectory);
    this.#children.push(child);
    child.onUnexpectedEnd = (error) => {
      if (!this.#hooks.restartable?.has(child.name)) {
        this.#fail(error);
        return;
      }
      this.restarts.set(child.name, (this.restarts.get(child.name) ?? 0) + 1);
      if (child.spec.stepped) {
        this.#stepper.suspend(child);
      }
      this.#startRun(child);
    };
    this.#startRun(child);
    return { child, ready: await this.#ready(child) };
  }

  /** Stops all processes in reverse order of their start, so that dependencies stop last. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const child of [...this.#children].reverse()) {
      await child.stop();
    }
    process.off('exit', this.#killAll);
  }

  /** Starts one run of a process; a restart replaces it by another. */
  #startRun(child: Child): void {
    const run = async (): Promise<ReportData> => {
      child.start();
      if (child.spec.stepped) {
        await this.#stepper.setTime(child);
      }
      const ready = child.spec.reports ? await child.report('ready') : {};
      if (child.spec.stepped) {
        await this.#stepper.add(child);
      }
      return ready;
    };
    const current = run();
    this.#runs.set(child, current);
    current.catch((error: unknown) => {
      if (this.#runs.get(child) === current) {
        this.#fail(error);
      }
    });
  }

  /** The `ready` report of a process, of its latest run. */
  async #ready(child: Child): Promise<ReportData> {
    for (;;) {
      const current = this.#runs.get(child)!;
      try {
        return await current;
      } catch (error) {
        if (this.#runs.get(child) === current) {
          throw error;
        }
      }
    }
  }
}
