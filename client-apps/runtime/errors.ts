// SPDX-License-Identifier: Apache-2.0

/** Everything a client app can fail with, one stable code each. Ledger refusals are `LedgerError`s of `fabric/`. */
export type ClientErrorCode =
  /** A configuration file does not fit its schema; the message lists all that is wrong. */
  | 'CONFIG_INVALID'
  /** `GRIDVEIL_KEY_FILE` is unset, unreadable, readable by others, or not a key. */
  | 'KEY_FILE'
  /** A sealed file or store value was changed, moved, or sealed under another key. */
  | 'SEALED_INVALID'
  /** A party's own directory holds something that contradicts its configuration. */
  | 'STATE_CONFLICT'
  /** The other side could not be reached or broke off; trying again may help. */
  | 'UNREACHABLE'
  /** The other side's certificate is not the pinned one. */
  | 'WRONG_PIN'
  /** The other side answered something that is too long or not what was asked for. */
  | 'BAD_ANSWER'
  /** The control center refused an enrolment; the message starts with its `EnrolmentRefusal` code. */
  | 'ENROLMENT_REFUSED'
  /** A write-once bulletin file already holds other bytes. */
  | 'BULLETIN_CONFLICT'
  /** What stands on the ledger or in the bulletin does not verify. */
  | 'VERIFICATION_FAILED'
  /** A link frame, handshake or certificate was refused. */
  | 'LINK_REFUSED'
  /** Meter readings could not be taken; the message names file and line. */
  | 'READINGS_INVALID'
  /** The command or call does not fit the state the party is in. */
  | 'WRONG_STATE'
  /** Wrong arguments on the command line. */
  | 'WRONG_USE'
  /** A relay was to write down which packet became which, and not on simulated time. */
  | 'UNSAFE_TRACE'
  /** Traces of relays cannot be read, or do not belong together. */
  | 'TRACE_INVALID'
  /** A bound on size or number was exceeded. */
  | 'LIMIT_EXCEEDED'
  /** A process of a run ended, hangs or did not start; the message names it and ends with its last log lines. */
  | 'PARTY_FAILED'
  /** The ledger that a run was to use holds its region already. */
  | 'REGION_TAKEN'
  /** The run was told to end before it was over. */
  | 'INTERRUPTED'
  /** Measured energy is not what stands on the ledger, is carried and is in flight. */
  | 'UNBALANCED';

/** The one error class of the client apps. Messages never hold secrets and never name a meter. */
export class ClientError extends Error {
  override readonly name = 'ClientError';

  constructor(
    readonly code: ClientErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
