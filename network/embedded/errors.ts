// SPDX-License-Identifier: Apache-2.0
import { CodedError } from '../../protocol/errors.js';

/**
 * Reason for which the development ledger cannot be set up or asked:
 * - `CONFIG_INVALID`: topology, organisations or arguments lack something;
 * - `ALREADY_RUNNING`, `NOT_RUNNING`: a ledger process serves the directory, or none does;
 * - `NOT_OURS`: the directory holds something else than a ledger;
 * - `START_FAILED`: the process ended before it was ready;
 * - `PORT_TAKEN`: another program listens on a port that the topology or an earlier start fixed;
 * - `NOT_FOUND`, `ALREADY_EXISTS`: channel or chaincode;
 * - `CHAINCODE_UNREACHABLE`: no chaincode server registered at the address in time;
 * - `DATA_CORRUPT`: the stored blocks do not form a chain.
 */
export type EmbeddedLedgerErrorCode =
  | 'CONFIG_INVALID'
  | 'ALREADY_RUNNING'
  | 'NOT_RUNNING'
  | 'NOT_OURS'
  | 'START_FAILED'
  | 'PORT_TAKEN'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'CHAINCODE_UNREACHABLE'
  | 'DATA_CORRUPT';

/** The one error of the embedded ledger's own operation. Refusals over gRPC are `RpcError`s. */
export class EmbeddedLedgerError extends CodedError<EmbeddedLedgerErrorCode> {
  override readonly name = 'EmbeddedLedgerError';
}
