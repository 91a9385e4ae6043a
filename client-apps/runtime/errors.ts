// SPDX-License-Identifier: Apache-2.0
import { CodedError } from '../../protocol/errors.js';

/** Stable codes of all errors of the client apps but the ledger's, which are `LedgerError`s of `ledger/`. */
export type ClientErrorCode =
  /** A configuration file does not fit its schema; the message lists all that is wrong. */
  | 'CONFIG_INVALID'
  /** `GRIDVEIL_KEY_FILE` is unset, unreadable, readable by others, or not a key. */
  | 'KEY_FILE'
  /** A sealed file or store value was changed, moved, or sealed under another key. */
  | 'SEALED_INVALID'
  /** A sealed file or store value of another party, under the same key. */
  | 'WRONG_PARTY'
  /** Another process runs on the party's directory; the message names it. */
  | 'DIRECTORY_LOCKED'
  /** A party's own directory holds something that contradicts its configuration. */
  | 'STATE_CONFLICT'
  /** The peer could not be reached or closed the connection; a retry may succeed. */
  | 'UNREACHABLE'
  /** The peer's key is not the pinned one. */
  | 'WRONG_PIN'
  /** The peer's answer is too long or malformed. */
  | 'BAD_ANSWER'
  /** The control center refused an enrolment; the message starts with its `EnrolmentRefusal` code. */
  | 'ENROLMENT_REFUSED'
  /** A write-once bulletin file already holds other bytes. */
  | 'BULLETIN_CONFLICT'
  /** Data of the ledger or the bulletin does not verify. */
  | 'VERIFICATION_FAILED'
  /** A link frame, handshake or certificate was refused. */
  | 'LINK_REFUSED'
  /** Meter readings are not valid; the message names file and line. */
  | 'READINGS_INVALID'
  /** The command or call is not possible in the state of the party. */
  | 'WRONG_STATE'
  /** Wrong arguments on the command line. */
  | 'WRONG_USE'
  /** A relay was to record a trace on real time. */
  | 'UNSAFE_TRACE'
  /** Traces of relays cannot be read, or do not belong together. */
  | 'TRACE_INVALID'
  /** A bound on size or number was exceeded. */
  | 'LIMIT_EXCEEDED'
  /** A process of a run ended, hangs or did not start; the message names it and ends with its last log lines. */
  | 'PARTY_FAILED'
  /** The region of a run exists on its ledger already. */
  | 'REGION_TAKEN'
  /** The run was interrupted. */
  | 'INTERRUPTED'
  /** Measured energy differs from energy on the ledger, carried over and in flight. */
  | 'UNBALANCED';

/** The one error class of the client apps. Messages never contain secrets or identify a meter. */
export class ClientError extends CodedError<ClientErrorCode> {
  override readonly name = 'ClientError';
}
