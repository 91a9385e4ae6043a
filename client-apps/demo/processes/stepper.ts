// SPDX-License-Identifier: Apache-2.0
import { Backoff } from '../../runtime/backoff.js';
import type { ClockRequest, ClockState } from '../../runtime/clock.js';
import { ClientError } from '../../runtime/errors.js';

/** A process whose time is moved from here. */
export interface Stepped {
  readonly name: string;
  /** Its clock's answer; rejects when the process has ended. */
  ask(request: ClockRequest): Promise<ClockState>;
}

/** Simulated milliseconds of one step while something is due: fine enough for hop delays of seconds. */
const QUANTUM_MILLISECONDS = 1_000;
/** Real milliseconds without any progress after which a step is given up. */
const PATIENCE_MILLISECONDS = 120_000;
/** Real milliseconds between two questions while somebody is at work. */
const PAUSES = { firstPauseMilliseconds: 1, longestPauseMilliseconds: 16 };

/**
 * Moves one simulated time through all processes. A step ends when nobody has work under way and every link frame
 * that was sent has been received, seen twice in a row (a frame may travel between two answers). So a slow machine
 * changes nothing but the seconds that a run takes.
 */
export class Stepper {
  /** What each process last said. */
  readonly #members = new Map<Stepped, ClockState>();
  /** Processes that have ended and are being started again: time waits for them. */
  readonly #away = new Set<Stepped>();

  /** Called with the simulated time after each step. */
  onStep: (nowMilliseconds: number) => void = () => {};

  /** @param nowMilliseconds the simulated Unix time at which all processes start */
  constructor(public nowMilliseconds: number) {}

  /** Gives a process that has just started its time. */
  async give(child: Stepped): Promise<void> {
    await child.ask({ kind: 'advance', toMilliseconds: this.nowMilliseconds });
  }

  /** From now on time waits for this process's work. */
  async join(child: Stepped): Promise<void> {
    this.#members.set(child, await child.ask({ kind: 'poll' }));
    this.#away.delete(child);
  }

  /** A process has ended and will join again. The other ends of its links take back what they counted on them. */
  lose(child: Stepped): void {
    this.#members.delete(child);
    this.#away.add(child);
  }

  /** Moves time to `toMilliseconds` and returns when all is quiet there. */
  async advanceTo(toMilliseconds: number): Promise<void> {
    await this.settle();
    while (this.nowMilliseconds < toMilliseconds) {
      const due = [...this.#members.values()].map((state) => state.nextTimer ?? Number.POSITIVE_INFINITY);
      const next = Math.max(this.nowMilliseconds + QUANTUM_MILLISECONDS, Math.min(...due));
      this.nowMilliseconds = Math.min(toMilliseconds, next);
      await this.#askAll({ kind: 'advance', toMilliseconds: this.nowMilliseconds });
      await this.settle();
      this.onStep(this.nowMilliseconds);
    }
  }

  /** Returns when all is quiet at the present time. */
  async settle(): Promise<void> {
    let quiet = 0;
    const backoff = new Backoff(PAUSES);
    let mark = '';
    let since = performance.now();
    while (quiet < 2) {
      await this.#askAll({ kind: 'poll' });
      if (this.#isQuiet()) {
        quiet++;
        continue;
      }
      quiet = 0;
      const seen = this.#describe();
      if (seen !== mark) {
        mark = seen;
        since = performance.now();
        backoff.reset();
      } else if (performance.now() - since > PATIENCE_MILLISECONDS) {
        throw new ClientError('PARTY_FAILED', `nothing has moved for ${PATIENCE_MILLISECONDS / 1000} s: ${seen}`);
      }
      await backoff.pause();
    }
  }

  async #askAll(request: ClockRequest): Promise<void> {
    const ask = async (child: Stepped): Promise<void> => {
      try {
        this.#members.set(child, await child.ask(request));
      } catch (error) {
        if (!this.#away.has(child)) {
          throw error;
        }
      }
    };
    await Promise.all([...this.#members.keys()].map(ask));
  }

  #isQuiet(): boolean {
    const { sent, received } = this.#frames();
    return this.#away.size === 0 && sent === received && [...this.#members.values()].every((state) => state.work === 0);
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

  /** Who is at work on what, and the frames under way. */
  #describe(): string {
    const busy = [...this.#away].map((child) => `${child.name} (starting again)`);
    for (const [child, state] of this.#members) {
      const work = Object.entries(state.labels).map(([label, count]) => `${label} ×${count}`);
      if (work.length > 0) {
        busy.push(`${child.name} (${work.join(', ')})`);
      }
    }
    const { sent, received } = this.#frames();
    return `${busy.join('; ') || 'nobody at work'}; ${sent} frames sent, ${received} received`;
  }
}
