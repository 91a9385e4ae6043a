// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { FakeLedger } from './fabric-stub.js';
import type { Proposal, Simulation } from './simulation-stub.js';

/** An endorsed transaction on its way to the orderer. */
export interface Submission {
  readonly simulation: Simulation;
  /** Number among the ordered transactions; undefined until it is ordered. */
  place?: number;
}

type Verdict = ReturnType<FakeLedger['commit']>;

/**
 * Two peers of the control center and one orderer. A client endorses at a peer, which may be behind; what was endorsed
 * is ordered in any order or lost; each peer validates and applies the ordered transactions at its own pace.
 */
export class TwoPeers {
  readonly peers: readonly [FakeLedger, FakeLedger];
  readonly #heights = [0, 0];
  readonly #ordered: Simulation[] = [];
  readonly #verdicts: Verdict[] = [];
  /** Endorsed, and neither ordered nor lost. */
  readonly #pending: Submission[] = [];

  constructor(ledger: FakeLedger) {
    this.peers = [ledger.fork(), ledger.fork()];
  }

  /** Endorses at a peer; what writes nothing is not submitted. */
  async submit(peer: number, channel: string, proposal: Proposal): Promise<Submission> {
    const submission: Submission = { simulation: await this.peers[peer]!.simulate(channel, proposal) };
    if (submission.simulation.status < 400 && submission.simulation.writes.size > 0) {
      this.#pending.push(submission);
    }
    return submission;
  }

  /** Orders one of those on their way; which one is not for their clients to say. */
  order(which: number): void {
    const [submission] = this.#pending.splice(which % Math.max(1, this.#pending.length), 1);
    if (submission !== undefined) {
      submission.place = this.#ordered.push(submission.simulation) - 1;
    }
  }

  /** One of those on their way never arrives. */
  lose(which: number): void {
    this.#pending.splice(which % Math.max(1, this.#pending.length), 1);
  }

  /** A peer validates and applies the next ordered transaction. @returns whether there was one */
  deliver(peer: number): boolean {
    const place = this.#heights[peer]!;
    const simulation = this.#ordered[place];
    if (simulation === undefined) {
      return false;
    }
    const verdict = this.peers[peer]!.commit(simulation);
    const other = this.#verdicts[place];
    assert.ok(other === undefined || other === verdict, `peers differ: ${other} and ${verdict}`);
    this.#verdicts[place] = verdict;
    this.#heights[peer] = place + 1;
    return true;
  }

  /** Orders and delivers everything that is on its way. */
  settle(): void {
    while (this.#pending.length > 0) {
      this.order(0);
    }
    for (const peer of [0, 1]) {
      while (this.deliver(peer)) {
        // The next one.
      }
    }
  }

  /** What became of a submission, as far as a peer knows. */
  outcome({ simulation, place }: Submission): 'refused' | 'unchanged' | 'unknown' | Verdict {
    if (simulation.status >= 400) {
      return 'refused';
    }
    if (simulation.writes.size === 0) {
      return 'unchanged';
    }
    return (place === undefined ? undefined : this.#verdicts[place]) ?? 'unknown';
  }
}
