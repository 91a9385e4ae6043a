// SPDX-License-Identifier: Apache-2.0
import type { peer } from '@hyperledger/fabric-protos';
import type { StateRecord } from '../ledger/database.js';
import type { RangeCursor, Simulator } from '../ledger/simulator.js';

/** One run of a chaincode: what its requests to the peer refer to. */
export interface Invocation {
  readonly channel: string;
  readonly transactionId: string;
  /** Name of the chaincode, and of the namespace of its keys. */
  readonly namespace: string;
  readonly simulator: Simulator;
  readonly input: peer.ChaincodeInput;
  /** The client's proposal, transient data included: the chaincode reads caller and transient data from it. */
  readonly signedProposal: peer.SignedProposal;
}

/** A range query that the chaincode has not read to its end. */
export interface OpenQuery {
  readonly cursor: RangeCursor;
  /** Read from the cursor, not yet handed to the chaincode. */
  ahead: StateRecord | undefined;
}

/** An invocation under way, with the queries it has open, by id. */
export interface RunningInvocation extends Invocation {
  readonly queries: Map<string, OpenQuery>;
}
