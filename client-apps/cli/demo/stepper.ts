// SPDX-License-Identifier: Apache-2.0
import type { ClockRequest, ClockState } from '../../common/clock.js';
import { ClientError } from '../../common/errors.js';
import type { Child } from './child.js';

/** Simulated milliseconds of one step while something is due: fine enough for hop delays of seconds. */
const QUANTUM_MILLISECONDS = 1_000;
/** Real milliseconds without any progress after which a step is given up. */
const PATIENCE_MILLISECONDS = 120_000;
/** Real milliseconds between two questions while somebody is at work; doubles up to the second number. */
const SHORTEST_PAUSE_MILLISECONDS = 1;
const LONGEST_PAUSE_MILLISECONDS = 16;

/**
 * Moves one simulated time through all processes. A step ends when nobody has work under way and every link frame
 * that was sent has been received, seen twice in a row (a frame may travel between two answers). So a slow machine
 * changes nothing but the seconds that a run takes.
 */
export class Stepper {
  /** Frames of processes that have ended: counted on, because the other ends have counted them too. */
  private readonly retired = { sent: 0, received: 0 };
  private readonly last = new Map<Child, ClockState>();

  /** @param nowMilliseconds the simulated Unix time at which all processes start */
  constructor(public nowMilliseconds: number) {}

  /** Gives a started process its time; a process that comes back keeps the frames of its former life. */
  async join(child: Child): Promise<void> {
    const former = this.last.get(child);
    if (former !== undefined) {
      this.retired.sent += former.sent;
      this.retired.received += former.received;
    }
    this.last.delete(child);
    this.last.set(child, await child.ask({ kind: 'advance', toMilliseconds: this.nowMilliseconds }));
  }

  leave(child: Child): void {
    this.last.delete(child);
  }

  /** Moves time to `toMilliseconds` and returns when all is quiet there. */
  async advanceTo(toMilliseconds: number): Promise<void> {
    await this.settle();
    while (this.nowMilliseconds < toMilliseconds) {
      const due = [...this.last.values()].map((state) => state.nextTimer ?? Number.POSITIVE_INFINITY);
      const next = Math.max(this.nowMilliseconds + QUANTUM_MILLISECONDS, Math.min(...due));
      this.nowMilliseconds = Math.min(toMilliseconds, next);
      await this.askAll({ kind: 'advance', toMilliseconds: this.nowMilliseconds });
      await this.settle();
    }
  }

  /** Returns when all is quiet at the present time. */
  async settle(): Promise<void> {
    let quiet = 0;
    let pause = SHORTEST_PAUSE_MILLISECONDS;
    let mark = '';
    let since = performance.now();
    while (quiet < 2) {
      await this.askAll({ kind: 'poll' });
      if (this.quiet()) {
        quiet++;
        continue;
      }
      quiet = 0;
      const seen = this.describe();
      if (seen !== mark) {
        mark = seen;
        since = performance.now();
        pause = SHORTEST_PAUSE_MILLISECONDS;
      } else if (performance.now() - since > PATIENCE_MILLISECONDS) {
        throw new ClientError('PARTY_FAILED', `nothing has moved for ${PATIENCE_MILLISECONDS / 1000} s: ${seen}`);
      }
      await new Promise((resume) => setTimeout(resume, pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MILLISECONDS);
    }
  }

  private async askAll(request: ClockRequest): Promise<void> {
    const children = [...this.last.keys()];
    const states = await Promise.all(children.map((child) => child.ask(request)));
    children.forEach((child, index) => this.last.set(child, states[index]!));
  }

  private quiet(): boolean {
    let { sent, received } = this.retired;
    for (const state of this.last.values()) {
      if (state.work > 0) return false;
      sent += state.sent;
      received += state.received;
    }
    return sent === received;
  }

  /** Who is at work on what, and the frames under way. */
  private describe(): string {
    let { sent, received } = this.retired;
    const busy: string[] = [];
    for (const [child, state] of this.last) {
      sent += state.sent;
      received += state.received;
      const work = Object.entries(state.labels).map(([label, count]) => `${label} ×${count}`);
      if (work.length > 0) busy.push(`${child.name} (${work.join(', ')})`);
    }
    return `${busy.join('; ') || 'nobody at work'}; ${sent} frames sent, ${received} received`;
  }
}
