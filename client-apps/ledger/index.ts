// SPDX-License-Identifier: Apache-2.0
export {
  decodeBlock,
  type DecodedBlock,
  type DecodedTransaction,
  type EndorsedAction,
  type StateWrite,
} from './block.js';
export type { LedgerIdentity } from './connection-profile.js';
export {
  connectLedger,
  CONTROL_CENTER_MSP,
  type CommittedTransaction,
  type LedgerClient,
  type LedgerClientOptions,
  type LedgerEvent,
  type TransientData,
} from './fabric-client.js';
export { LedgerError, type LedgerClientCode } from './ledger-error.js';
export { DEFAULT_PATIENCE, type Patience } from './patience.js';
