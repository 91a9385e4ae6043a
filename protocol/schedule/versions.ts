// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import type { Parameters, SignedParameters } from '../ledger/parameters.js';
import { epochStartSeconds } from './epochs.js';

/**
 * The version in force for an interval.
 *
 * @param list a list that `verifyParametersList` accepted
 * @throws ProtocolError `NOT_EFFECTIVE` when the interval is before version 1
 */
export function parametersFor(list: readonly SignedParameters[], startSeconds: number): Parameters {
  const found = list.findLast(({ parameters }) => parameters.effectiveFromSeconds <= startSeconds);
  if (found === undefined) {
    throw new ProtocolError('NOT_EFFECTIVE', 'no parameters are effective yet');
  }
  return found.parameters;
}

/**
 * The version in force at a time; version 1 for what is before it, such as the start of the epoch in which a region
 * begins.
 *
 * @param list as for {@link parametersFor}
 * @throws ProtocolError `NOT_EFFECTIVE` when the list is empty
 */
export function parametersAt(list: readonly SignedParameters[], seconds: number): Parameters {
  const found = list.findLast(({ parameters }) => isInForce(parameters, seconds));
  if (found === undefined) {
    throw new ProtocolError('NOT_EFFECTIVE', 'there are no parameters');
  }
  return found.parameters;
}

/** The version in force when an epoch begins. @throws ProtocolError as {@link parametersAt} */
export function parametersOfEpoch(list: readonly SignedParameters[], epoch: number): Parameters {
  // All versions have the epochs of the first.
  return parametersAt(list, epochStartSeconds(parametersAt(list, Number.NEGATIVE_INFINITY), epoch));
}

/** Whether a version is in force at a time, if no later one is. Nothing is before version 1. */
export function isInForce({ version, effectiveFromSeconds }: Parameters, seconds: number): boolean {
  return version === 1 || effectiveFromSeconds <= seconds;
}
