// SPDX-License-Identifier: Apache-2.0
import type { RandomSource } from '../../protocol/onion/packet.js';
import type { Clock } from './clock.js';
import type { Log } from './log.js';
import type { Report } from './report.js';

/** Context that every party is started with, besides its configuration. */
export interface PartyContext {
  readonly clock: Clock;
  /** Secret random bytes, from the operating system. */
  readonly random: RandomSource;
  readonly log: Log;
  readonly report: Report;
}

/** A party that was started. */
export interface RunningParty {
  /** Resolves after {@link stop}; rejects when the party cannot continue, which ends its process. */
  readonly ended: Promise<void>;
  /** Shuts down gracefully. Not needed for safety: a crash loses nothing that was acknowledged. */
  stop(): Promise<void>;
}
