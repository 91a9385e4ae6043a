// SPDX-License-Identifier: Apache-2.0
import { ClientError } from '../../runtime/errors.js';
import type { ReportData } from '../../runtime/report.js';
import { Child, type ChildSpec } from './child.js';
import type { Stepper } from './stepper.js';

/** What the system tests change about processes. */
export interface ProcessHooks {
  /** Changes how a process is started. */
  readonly beforeStart?: (spec: ChildSpec) => ChildSpec;
  /** Processes that are started again when they end by themselves; any other end fails the run. */
  readonly restartable?: ReadonlySet<string>;
}

/** All processes of a run. None outlives it, however it ends. */
export class ProcessGroup {
  readonly #children: Child[] = [];
  readonly #runs = new Map<Child, Promise<ReportData>>();
  #stopped = false;
  #fail: (error: Error) => void = () => {};
  /** Never resolves; rejects when a process ends that should not. */
  readonly failed: Promise<never> = new Promise((_, reject) => (this.#fail = reject));
  /** How often processes were started again, by name. */
  readonly restarts = new Map<string, number>();
  readonly #killAll = (): void => {
    this.#children.forEach((child) => {
      child.killNow();
    });
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

  /** Starts a process, gives it the time if it keeps any, and returns what it reports when it is ready. */
  async start(spec: ChildSpec): Promise<{ child: Child; ready: ReportData }> {
    if (this.#stopped) {
      throw new ClientError('INTERRUPTED', `${spec.name} is not started any more`);
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

  /** Ends all processes, the last started first: what others depend on was started before them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const child of [...this.#children].reverse()) {
      await child.stop();
    }
    process.off('exit', this.#killAll);
  }

  /** Begins a life of a process. Whether it was the last one shows when it ends. */
  #startRun(child: Child): void {
    const live = async (): Promise<ReportData> => {
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
    const life = live();
    this.#runs.set(child, life);
    life.catch((error: unknown) => {
      if (this.#runs.get(child) === life) {
        this.#fail(error as Error);
      }
    });
  }

  /** What a process reported when it was ready, in whichever of its lives. */
  async #ready(child: Child): Promise<ReportData> {
    for (;;) {
      const life = this.#runs.get(child)!;
      try {
        return await life;
      } catch (error) {
        if (this.#runs.get(child) === life) {
          throw error;
        }
      }
    }
  }
}
