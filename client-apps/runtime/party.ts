// SPDX-License-Identifier: Apache-2.0
import type { RandomSource } from '../../protocol/onion/packet.js';
import type { Report } from './report.js';
import type { SupervisedContext } from './timers.js';

/** Context that every party is started with, besides its configuration. */
export interface PartyContext extends SupervisedContext {
  /** Secret random bytes, from the operating system. */
  readonly random: RandomSource;
  readonly report: Report;
}

/** A party that was started. */
export interface RunningParty {
  /** Resolves after {@link stop}; rejects when the party cannot continue, which ends its process. */
  readonly ended: Promise<void>;
  /** Shuts down gracefully. Not needed for safety: a crash loses nothing that was acknowledged. */
  stop(): Promise<void>;
}
