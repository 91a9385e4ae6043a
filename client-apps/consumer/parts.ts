// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import type { Log } from '../runtime/log.js';
import type { TrustedBulletin } from '../bulletin/trusted-bulletin.js';
import type { Disputes } from './state/disputes.js';
import type { HubIdentity } from './identity.js';
import type { IntervalLog } from './state/interval-log.js';
import type { HubState } from './state/state.js';
import type { IntervalFiles, IntervalTrust } from '../../protocol/rules/verify-interval.js';

/** Dependencies of a hub. */
export interface HubParts {
  readonly crypto: Crypto;
  readonly identity: HubIdentity;
  readonly bulletin: TrustedBulletin;
  readonly region: string;
  /** Period of full checks, in intervals. */
  readonly fullCheckEvery: number;
  readonly intervals: IntervalLog;
  /** The intervals verified last, by s; empty after a start. */
  readonly recent: Map<number, RecentInterval>;
  readonly disputes: Disputes;
  /** Writes the state; returns when it is on the disk. */
  readonly write: (state: HubState) => Promise<void>;
  readonly log: Log;
}

/** An interval that the hub has verified: its files, and the trust of that check. */
export interface RecentInterval {
  readonly startSeconds: number;
  readonly files: IntervalFiles;
  readonly trust: IntervalTrust;
}
