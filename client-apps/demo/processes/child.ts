// SPDX-License-Identifier: Apache-2.0
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ClockAnswer, ClockRequest, ClockState } from '../../runtime/clock.js';
import { withDeadline } from '../../runtime/deadline.js';
import { ClientError } from '../../runtime/errors.js';
import type { ReportData, ReportMessage } from '../../runtime/report.js';

/** One process of a run: what it is called, and how it is started (again). */
export interface ChildSpec {
  /** Names the process in progress, errors and its log file. */
  readonly name: string;
  /** Absolute path of the script that Node runs. */
  readonly script: string;
  readonly args: readonly string[];
  /** Node's own flags. */
  readonly nodeArgs?: readonly string[];
  /** The whole environment beside PATH: a child inherits nothing else. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly directory: string;
  /** Whether it runs on the stepped clock. */
  readonly stepped: boolean;
  /** Whether it sends reports, `ready` first. */
  readonly reports: boolean;
}

/** How long a child may take to answer or to become ready before the run is given up. Generous: machines are slow. */
const PATIENCE_MILLISECONDS = 60_000;
/** How long a child may take to end by itself after SIGTERM. */
const FAREWELL_MILLISECONDS = 3_000;
/** The part of a log that an error shows. */
const LAST_LOG_BYTES = 4_000;
const LAST_LOG_LINES = 12;

interface Waiter {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A process with a name, a log file and an IPC channel. Whatever it owes us (an answer, a report) is refused with its
 * last log lines as soon as it ends, so nothing ever waits for a dead process.
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
  /** Called when the process ends without having been told to. */
  onUnexpectedEnd: (error: Error) => void = () => {};
  /** Called with every report, before whoever waits for it. */
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

  /** While it runs. */
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
      execArgv: [...(this.spec.nodeArgs ?? [])],
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#process = child;
    child.on('message', (message) => {
      this.#receive(message);
    });
    // A message to a process that has just ended; its exit says all there is to say.
    child.on('error', () => {});
    this.#ended = new Promise((done) => {
      child.once('exit', (code, signal) => {
        if (this.#process === child) {
          this.#process = undefined;
        }
        const error = this.failure(`ended (${signal ?? `exit code ${code}`})`);
        const waiters = [this.#stateWaiters, ...this.#reportWaiters.values()].flatMap((list) => list.splice(0));
        // First, so that whoever is refused below already knows whether the process comes back.
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

  /** Asks the process's clock; answers come in the order of the requests. */
  ask(request: ClockRequest): Promise<ClockState> {
    return this.#wait<ClockState>(this.#stateWaiters, `answer to ${request.kind}`, () => this.#process?.send(request));
  }

  /** The next report of this name that nobody has taken yet. */
  report(name: string): Promise<ReportData> {
    const kept = this.#reports.get(name)?.shift();
    if (kept !== undefined) {
      return Promise.resolve(kept);
    }
    const waiters = this.#reportWaiters.get(name) ?? [];
    this.#reportWaiters.set(name, waiters);
    return this.#wait<ReportData>(waiters, `report ${name}`, () => {});
  }

  /** Ends the process: politely, then not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#process?.kill('SIGTERM');
    await withDeadline(this.#ended, FAREWELL_MILLISECONDS, () => this.#process?.kill('SIGKILL'));
  }

  /** Ends the process at once, as a power cut would. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#ended;
  }

  /** The same from an exit handler, which cannot wait. */
  killNow(): void {
    this.#stopping = true;
    this.#process?.kill('SIGKILL');
  }

  /** An error that names the process and shows the end of its log. */
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
    return withDeadline(answer, PATIENCE_MILLISECONDS, () => {
      throw this.failure(`gave no ${what} in ${PATIENCE_MILLISECONDS / 1000} s`);
    });
  }

  #receive(message: unknown): void {
    const { kind } = message as ClockAnswer | ReportMessage;
    if (kind === 'state') {
      this.#stateWaiters.shift()?.resolve(message as never);
    } else if (kind === 'report') {
      const { name, data } = message as ReportMessage;
      this.onReport(name, data);
      const waiter = this.#reportWaiters.get(name)?.shift();
      if (waiter !== undefined) {
        waiter.resolve(data as never);
        return;
      }
      const kept = this.#reports.get(name) ?? [];
      kept.push(data);
      this.#reports.set(name, kept);
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
