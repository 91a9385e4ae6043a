// SPDX-License-Identifier: Apache-2.0
import type { ReportData } from '../../common/report.js';
import { Child, type ChildSpec } from './child.js';
import type { Stepper } from './stepper.js';

/** What the system tests change about a run: a demo has none of it. */
export interface Interference {
  /** Changes how a process is started. */
  readonly prepare?: (spec: ChildSpec) => ChildSpec;
  /** Processes that are started again when they end by themselves; any other end fails the run. */
  readonly revived?: ReadonlySet<string>;
}

/** All processes of a run. None outlives it, however it ends. */
export class Cast {
  private readonly children: Child[] = [];
  private fail: (error: Error) => void = () => {};
  /** Never resolves; rejects when a process ends that should not. */
  readonly failed: Promise<never> = new Promise((_, reject) => (this.fail = reject));
  /** How often processes were started again, by name. */
  readonly revivals = new Map<string, number>();
  private readonly killAll = (): void => this.children.forEach((child) => child.killNow());

  constructor(
    private readonly stepper: Stepper,
    private readonly logDirectory: string,
    private readonly interference: Interference = {},
  ) {
    this.failed.catch(() => {});
    process.once('exit', this.killAll);
  }

  /** Starts a process, gives it the time if it keeps any, and returns what it reports when it is ready. */
  async start(spec: ChildSpec): Promise<{ child: Child; ready: ReportData }> {
    const child = new Child(this.interference.prepare?.(spec) ?? spec, this.logDirectory);
    this.children.push(child);
    child.onUnexpectedEnd = (error) => {
      if (this.interference.revived?.has(child.name)) this.revive(child).catch(this.fail);
      else this.fail(error);
    };
    return { child, ready: await this.begin(child) };
  }

  /** Ends all processes, the last started first: what others depend on was started before them. */
  async stop(): Promise<void> {
    for (const child of [...this.children].reverse()) await child.stop();
    process.off('exit', this.killAll);
  }

  private async begin(child: Child): Promise<ReportData> {
    child.start();
    if (child.spec.stepped) await this.stepper.give(child);
    const ready = child.spec.reports ? await child.report('ready') : {};
    if (child.spec.stepped) await this.stepper.join(child);
    return ready;
  }

  private async revive(child: Child): Promise<void> {
    this.revivals.set(child.name, (this.revivals.get(child.name) ?? 0) + 1);
    if (child.spec.stepped) this.stepper.lose(child);
    await this.begin(child);
  }
}
