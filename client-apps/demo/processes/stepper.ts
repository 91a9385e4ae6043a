// SPDX-License-Identifier: Apache-2.0
import { Backoff } from '../../runtime/backoff.js';
import type { ClockRequest, ClockState } from '../../runtime/clock.js';
import { ClientError } from '../../runtime/errors.js';

/** A process on the stepped clock. */
export interface SteppedProcess {
  readonly name: string;
  /** Sends a request to its clock; rejects when the process has exited. */
  ask(request: ClockRequest): Promise<ClockState>;
}

/** Simulated milliseconds of a step while timers are due; fine enough for hop delays of seconds. */
const QUANTUM_MILLISECONDS = 1_000;
/** Real milliseconds without progress after which a step fails. */
const STALL_TIMEOUT_MILLISECONDS = 120_000;
/** Bounds of the polling interval in real milliseconds; it doubles from the first to the second. */
const PAUSES = { firstPauseMilliseconds: 1, longestPauseMilliseconds: 16 };

/**
 * Advances one simulated time in all processes. A step ends when no process has work under way and every link frame
 * sent has been received, in two successive polls (a frame may be under way between two answers). The speed of the
 * machine changes only the duration of a run.
 */
export class Stepper {
  /** Last state of each process. */
  readonly #members = new Map<SteppedProcess, ClockState>();
  /** Processes being restarted; time waits for them. */
  readonly #restarting = new Set<SteppedProcess>();

  /** Called with the simulated time after each step. */
  onStep: (nowMilliseconds: number) => void = () => {};

  /** @param nowMilliseconds the simulated Unix time at which all processes start */
  constructor(public nowMilliseconds: number) {}

  /** Sets the clock of a process that has just started. */
  async setTime(child: SteppedProcess): Promise<void> {
    await child.ask({ kind: 'advance', toMilliseconds: this.nowMilliseconds });
  }

  /** Adds a process: from now on time waits for its work. */
  async add(child: SteppedProcess): Promise<void> {
    this.#members.set(child, await child.ask({ kind: 'poll' }));
    this.#restarting.delete(child);
  }

  /**
   * Suspends a process that exited and will be added again. Its link peers subtract the frames counted on its links.
   */
  suspend(child: SteppedProcess): void {
    this.#members.delete(child);
    this.#restarting.add(child);
  }

  /** Advances time to `toMilliseconds` and returns when all processes are idle. */
  async advanceTo(toMilliseconds: number): Promise<void> {
    await this.waitUntilIdle();
    while (this.nowMilliseconds < toMilliseconds) {
      const due = [...this.#members.values()].map((state) => state.nextTimer ?? Number.POSITIVE_INFINITY);
      const next = Math.max(this.nowMilliseconds + QUANTUM_MILLISECONDS, Math.min(...due));
      this.nowMilliseconds = Math.min(toMilliseconds, next);
      await this.#askAll({ kind: 'advance', toMilliseconds: this.nowMilliseconds });
      await this.waitUntilIdle();
      this.onStep(this.nowMilliseconds);
    }
  }

  /** Returns when all processes are idle at the present time. */
  async waitUntilIdle(): Promise<void> {
    let idlePolls = 0;
    const backoff = new Backoff(PAUSES);
    let mark = '';
    let since = performance.now();
    while (idlePolls < 2) {
      await this.#askAll({ kind: 'poll' });
      if (this.#isIdle()) {
        idlePolls++;
        continue;
      }
      idlePolls = 0;
      const seen = this.#describe();
      if (seen !== mark) {
        mark = seen;
        since = performance.now();
        backoff.reset();
      } else if (performance.now() - since > STALL_TIMEOUT_MILLISECONDS) {
        throw new ClientError('PARTY_FAILED', `no progress for ${STALL_TIMEOUT_MILLISECONDS / 1000} s: ${seen}`);
      }
      await backoff.pause();
    }
  }

  async #askAll(request: ClockRequest): Promise<void> {
    const ask = async (child: SteppedProcess): Promise<void> => {
      try {
        this.#members.set(child, await child.ask(request));
      } catch (error) {
        if (!this.#restarting.has(child)) {
          throw error;
        }
      }
    };
    await Promise.all([...this.#members.keys()].map(ask));
  }

  #isIdle(): boolean {
    const { sent, received } = this.#frames();
    return (
      this.#restarting.size === 0 && sent === received && [...this.#members.values()].every((state) => state.work === 0)
    );
  }

  #frames(): { sent: number; received: number } {
    let sent = 0;
    let received = 0;
    for (const state of this.#members.values()) {
      sent += state.sent;
      received += state.received;
    }
    return { sent, received };
  }

  /** Describes the work under way and the frame counts. */
  #describe(): string {
    const busy = [...this.#restarting].map((child) => `${child.name} (restarting)`);
    for (const [child, state] of this.#members) {
      const work = Object.entries(state.labels).map(([label, count]) => `${label} ×${count}`);
      if (work.length > 0) {
        busy.push(`${child.name} (${work.join(', ')})`);
      }
    }
    const { sent, received } = this.#frames();
    return `${busy.join('; ') || 'no work under way'}; ${sent} frames sent, ${received} received`;
  }
}
