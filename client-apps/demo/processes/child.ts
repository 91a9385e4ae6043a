// SPDX-License-Identifier: Apache-2.0
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { getOrMake } from '../../../protocol/get-or-make.js';
import type { ClockRequest, ClockState } from '../../runtime/clock.js';
import { withDeadline } from '../../runtime/deadline.js';
import { ClientError } from '../../runtime/errors.js';
import type { ReportData, ReportMessage } from '../../runtime/report.js';

/** Specification of a process of a run, used for its start and every restart. */
export interface ChildSpec {
  /** Names the process in progress, errors and its log file. */
  readonly name: string;
  /** Absolute path of the script that Node runs. */
  readonly script: string;
  readonly args: readonly string[];
  /** Flags of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** The environment besides PATH; nothing else is inherited. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly directory: string;
  /** Whether it runs on the stepped clock. */
  readonly stepped: boolean;
  /** Whether it sends reports, `ready` first. */
  readonly reports: boolean;
}

/** Name of the process that Node's inspector stops at its first line. */
const INSPECTED = process.env['GRIDVEIL_INSPECT'];
/**
 * Time limit for an answer or the `ready` report; generous, for slow machines. Beside a process under the inspector it
 * is a day, for that process and for those that wait for it.
 */
const ANSWER_TIMEOUT_MILLISECONDS = INSPECTED === undefined ? 60_000 : 86_400_000;
/** Time between SIGTERM and SIGKILL. */
const TERMINATION_GRACE_MILLISECONDS = 3_000;
/** Limits of the log excerpt in an error. */
const LAST_LOG_BYTES = 4_000;
const LAST_LOG_LINES = 12;

interface Waiter {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A child process with a name, a log file and an IPC channel. When it exits, all pending answers and reports are
 * rejected with its last log lines, so nothing waits for a dead process.
 */
export class Child {
  readonly name: string;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;
  readonly #logFile: string;
  readonly #stateWaiters: Waiter[] = [];
  readonly #reports = new Map<string, ReportData[]>();
  readonly #reportWaiters = new Map<string, Waiter[]>();
  /** Called when the process exits without having been stopped. */
  onUnexpectedEnd: (error: Error) => void = () => {};
  /** Called with every report, before a pending `report` call resolves. */
  onReport: (name: string, data: ReportData) => void = () => {};

  constructor(
    readonly spec: ChildSpec,
    logDirectory: string,
  ) {
    this.name = spec.name;
    this.#logFile = join(logDirectory, `${spec.name}.log`);
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Process id; undefined while it does not run. */
  get processId(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts the process; its stdout and stderr are appended to its log file. */
  start(): void {
    this.#stopping = false;
    const log = openSync(this.#logFile, 'a', 0o600);
    const child = fork(this.spec.script, [...this.spec.args], {
      cwd: this.spec.directory,
      env: { PATH: process.env['PATH'], ...this.spec.environment },
      execArgv: [...(this.spec.nodeArgs ?? []), ...(this.name === INSPECTED ? ['--inspect-brk'] : [])],
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#process = child;
    child.on('message', (message) => this.#receive(message));
    // A message to a process that has just exited; the exit handler reports it.
    child.on('error', () => {});
    this.#ended = new Promise((done) => {
      child.once('exit', (code, signal) => {
        if (this.#process === child) {
          this.#process = undefined;
        }
        const error = this.failure(`ended (${signal ?? `exit code ${code}`})`);
        const waiters = [this.#stateWaiters, ...this.#reportWaiters.values()].flatMap((list) => list.splice(0));
        // Before the rejections below, so that their handlers see whether the process restarts.
        if (!this.#stopping) {
          this.onUnexpectedEnd(error);
        }
        for (const waiter of waiters) {
          waiter.reject(error);
        }
        done();
      });
    });
  }

  /** Sends a request to the process's clock; answers arrive in the order of the requests. */
  ask(request: ClockRequest): Promise<ClockState> {
    return this.#wait<ClockState>(this.#stateWaiters, `answer to ${request.kind}`, () => this.#process?.send(request));
  }

  /** The next unread report of this name. */
  report(name: string): Promise<ReportData> {
    const kept = this.#reports.get(name)?.shift();
    if (kept !== undefined) {
      return Promise.resolve(kept);
    }
    const waiters = getOrMake(this.#reportWaiters, name, () => []);
    return this.#wait<ReportData>(waiters, `report ${name}`, () => {});
  }

  /** Stops the process with SIGTERM, then SIGKILL. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#process?.kill('SIGTERM');
    await withDeadline(this.#ended, TERMINATION_GRACE_MILLISECONDS, () => this.#process?.kill('SIGKILL'));
  }

  /** Kills the process with SIGKILL and waits for its exit. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#ended;
  }

  /** Kills the process without waiting, for exit handlers. */
  killNow(): void {
    this.#stopping = true;
    this.#process?.kill('SIGKILL');
  }

  /** Creates an error that names the process and shows the end of its log. */
  failure(what: string): ClientError {
    return new ClientError('PARTY_FAILED', `${this.name} ${what}; the end of its log:\n${this.#lastLines()}`);
  }

  #wait<T>(waiters: Waiter[], what: string, begin: () => void): Promise<T> {
    if (this.#process === undefined) {
      return Promise.reject(this.failure('is not running'));
    }
    const answer = new Promise<T>((resolve, reject) => {
      waiters.push({ resolve, reject });
    });
    begin();
    return withDeadline(answer, ANSWER_TIMEOUT_MILLISECONDS, () => {
      throw this.failure(`sent no ${what} within ${ANSWER_TIMEOUT_MILLISECONDS / 1000} s`);
    });
  }

  #receive(message: unknown): void {
    const { kind } = message as { kind?: unknown };
    if (kind === 'state') {
      this.#stateWaiters.shift()?.resolve(message as never);
    } else {
      const { name, data } = message as ReportMessage;
      this.onReport(name, data);
      const waiter = this.#reportWaiters.get(name)?.shift();
      if (waiter !== undefined) {
        waiter.resolve(data as never);
        return;
      }
      getOrMake(this.#reports, name, () => []).push(data);
    }
  }

  #lastLines(): string {
    const file = openSync(this.#logFile, 'a+');
    try {
      const { size } = fstatSync(file);
      const bytes = new Uint8Array(Math.min(size, LAST_LOG_BYTES));
      readSync(file, bytes, 0, bytes.length, size - bytes.length);
      const lines = new TextDecoder().decode(bytes).trimEnd().split('\n').slice(-LAST_LOG_LINES);
      return lines.map((line) => `  | ${line}`).join('\n');
    } finally {
      closeSync(file);
    }
  }
}
