// SPDX-License-Identifier: Apache-2.0
import { equalBytes, writeUint128 } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { encodeLedgerId, type LedgerId } from '../ledger/ledger-id.js';
import { isIntervalStart } from '../schedule/intervals.js';
import { closeSeconds } from '../schedule/closes.js';
import { epochOf } from '../schedule/epochs.js';
import { parametersFor, type ServiceProviders, serviceProvidersFor } from '../schedule/versions.js';
import { rowTimeSeconds } from '../schedule/windows.js';
import type { Parameters, SignedParameters } from '../ledger/parameters.js';
import { parametersDigest } from '../ledger/parameters-json.js';
import { ROW_LENGTH, ROW_OFFSET, type RowType } from '../ledger/row.js';
import { requireLength } from '../crypto/bytes.js';

/** Precomputed context of all checks of one interval. */
export interface IntervalContext {
  readonly parameters: Parameters;
  readonly parametersDigest: Uint8Array;
  /** Whose keys sign prices and bills of the interval. */
  readonly serviceProviders: ServiceProviders;
  readonly ledgerId: LedgerId;
  readonly registryEpoch: number;
  /** T of every row, s + L. */
  readonly rowTimeSeconds: number;
  /** T of every seal, s + 2L + grace. */
  readonly closeSeconds: number;
  /** The ledger id as encoded in a row, 16 bytes. */
  readonly ledgerIdBytes: Uint8Array;
  /** T as encoded in a row, 16 bytes. */
  readonly rowTimeBytes: Uint8Array;
}

/**
 * The context of interval s under the version in force of a list, with the successors of its service provider.
 *
 * @param list a list that `verifyParametersList` accepted
 * @throws ProtocolError as `parametersFor` and {@link intervalContext}
 */
export function contextIn(crypto: Crypto, list: readonly SignedParameters[], startSeconds: number): IntervalContext {
  const parameters = parametersFor(list, startSeconds);
  return intervalContext(crypto, parameters, startSeconds, serviceProvidersFor(list, startSeconds));
}

/**
 * The context of interval s under the parameters in force.
 *
 * @param parameters as `parametersFor(list, startSeconds)` gives them
 * @param serviceProviders those in force, where one of them may be a successor
 * @throws ProtocolError `WRONG_LEDGER` when no interval starts at s, `NOT_EFFECTIVE` when the parameters are later ones, `EPOCH_RANGE`
 */
export function intervalContext(
  crypto: Crypto,
  parameters: Parameters,
  startSeconds: number,
  serviceProviders: ServiceProviders = { pricing: parameters.serviceProvider, billing: parameters.serviceProvider },
): IntervalContext {
  if (!isIntervalStart(parameters, startSeconds)) {
    throw new ProtocolError('WRONG_LEDGER', 'no interval starts at this second');
  }
  if (startSeconds < parameters.effectiveFromSeconds) {
    throw new ProtocolError('NOT_EFFECTIVE', 'the parameters are not yet effective in this interval');
  }
  const ledgerId = { region: parameters.region, startSeconds };
  const rowTime = rowTimeSeconds(parameters, startSeconds);
  const rowTimeBytes = new Uint8Array(ROW_OFFSET.value - ROW_OFFSET.time);
  writeUint128(rowTimeBytes, 0, BigInt(rowTime));
  return {
    parameters,
    parametersDigest: parametersDigest(crypto, parameters),
    serviceProviders,
    ledgerId,
    registryEpoch: epochOf(parameters, startSeconds),
    rowTimeSeconds: rowTime,
    closeSeconds: closeSeconds(parameters, startSeconds),
    ledgerIdBytes: encodeLedgerId(ledgerId),
    rowTimeBytes,
  };
}

/**
 * Checks the fields that all rows of one ledger share: type, ledger id and T.
 *
 * @throws ProtocolError `BAD_LENGTH`, `WRONG_TYPE`, `WRONG_LEDGER`, `WRONG_TIME`
 */
export function checkRowFrame(row: Uint8Array, type: RowType, context: IntervalContext): void {
  requireLength(row, ROW_LENGTH, 'row');
  if (row[ROW_OFFSET.type] !== type) {
    throw new ProtocolError('WRONG_TYPE', 'row is of another kind of ledger');
  }
  if (!equalBytes(row.subarray(ROW_OFFSET.ledgerId, ROW_OFFSET.pseudonym), context.ledgerIdBytes)) {
    throw new ProtocolError('WRONG_LEDGER', 'row is of another interval or region');
  }
  if (!equalBytes(row.subarray(ROW_OFFSET.time, ROW_OFFSET.value), context.rowTimeBytes)) {
    throw new ProtocolError('WRONG_TIME', 'row time is not the start of the reporting window');
  }
}

/** Runs a check and puts the place in front of its refusal, code unchanged. */
export function atPlace<T>(place: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) {
      throw cause;
    }
    throw new ProtocolError(cause.code, `${place}: ${cause.message}`, { cause });
  }
}
