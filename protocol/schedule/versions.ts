// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { equalBytes } from '../crypto/bytes.js';
import type { Parameters, SignedParameters } from '../ledger/parameters.js';
import type { ProvidedKind } from '../ledger/row.js';
import type { ServiceProviderParameters } from '../ledger/service-provider.js';
import type { SignedSuccessor, Successor, Successors } from '../ledger/successor.js';
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

/** The service providers in force for an interval, by ledger: whose keys sign it. */
export type ServiceProviders = Readonly<Record<ProvidedKind, ServiceProviderParameters>>;

/** The service providers of an interval: the one of the parameters in force, or its successor. */
export function serviceProvidersFor(list: readonly SignedParameters[], startSeconds: number): ServiceProviders {
  const { serviceProvider } = parametersFor(list, startSeconds);
  return {
    pricing: successorFor(list, 'pricing', startSeconds)?.serviceProvider ?? serviceProvider,
    billing: successorFor(list, 'billing', startSeconds)?.serviceProvider ?? serviceProvider,
  };
}

/**
 * The successor in force for an interval: the one of the service provider that the parameters in force name, whichever
 * version it stands beside.
 *
 * @param list as for {@link parametersFor}
 * @throws ProtocolError as {@link parametersFor}
 */
export function successorFor(
  list: readonly SignedParameters[],
  kind: ProvidedKind,
  startSeconds: number,
): Successor | undefined {
  const replaced = parametersFor(list, startSeconds).serviceProvider.signaturePublicKey;
  const found = list.find(
    ({ parameters, successors }) =>
      successors?.[kind] !== undefined && equalBytes(parameters.serviceProvider.signaturePublicKey, replaced),
  );
  const successor = found?.successors?.[kind]?.successor;
  return successor !== undefined && successor.fromSeconds <= startSeconds ? successor : undefined;
}

/** A list of versions with these successors, each beside the version that it names, and no others. */
export function addSuccessors(
  list: readonly SignedParameters[],
  found: readonly SignedSuccessor[],
): readonly SignedParameters[] {
  return list.map(({ parameters, signature }) => {
    const own = found.filter(({ successor }) => successor.parametersVersion === parameters.version);
    const successors: Successors = Object.fromEntries(own.map((signed) => [signed.successor.kind, signed]));
    return { parameters, signature, ...(own.length === 0 ? {} : { successors }) };
  });
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
