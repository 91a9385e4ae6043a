// SPDX-License-Identifier: Apache-2.0
import type { UserIdentity } from '../../../network/topology/network-directory.js';
import type { Topology } from '../../../network/topology/topology.js';

/** A ledger with the three channels and their chaincodes, and what a test may do to it. */
export interface LedgerUnderTest {
  readonly topology: Topology;
  /** Directory of the files of the ledger's processes. */
  readonly directory: string;
  /** `organizations/`, in cryptogen's layout. */
  readonly organizations: string;
  /** Path of `connection-<org>.json`. */
  connectionProfile(mspId: string): string;
  /** @param user `User1` (the default) or `Admin` */
  user(mspId: string, user?: string): UserIdentity;
  /** Deploys one of the chaincodes on a channel that is not its own. */
  deployOn(channel: string, chaincode: string): Promise<void>;
  /** Brings all three chaincodes to a version that they have not had. */
  upgrade(): Promise<void>;
  /** Ends what was started for the tests and removes its files. */
  stop(): Promise<void>;
}

/** A ledger that was made for the tests, with its files at hand. */
export interface OwnLedger extends LedgerUnderTest {
  /** Name of the process that puts a channel's transactions in order. */
  orderingLeader(channel: string): Promise<string>;
  /** Ends a process as a power cut would. */
  kill(name: string): Promise<void>;
  /** Starts every process that does not run. */
  revive(): Promise<void>;
  /** Stops everything and starts it again with its data. */
  restart(): Promise<void>;
}
