// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../protocol/errors.js';
import type { SignedParameters } from '../../protocol/ledger/parameters.js';
import { decodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { verifyParametersList } from '../../protocol/rules/check-parameters.js';
import type { RegionLedger } from './region-ledger.js';

/**
 * All versions of the parameters, with the successors of their service providers.
 *
 * @param trustAnchor hex SHA-256 of the control center's signature key in version 1
 * @returns undefined while there are none
 * @throws ProtocolError as `verifyParametersList`
 */
export async function readParameters(
  ledger: RegionLedger,
  trustAnchor: string,
): Promise<readonly SignedParameters[] | undefined> {
  const latest = await ledger.parameters('latest');
  if (latest === undefined) {
    return undefined;
  }
  const newest = decodeSignedParameters(latest);
  const list: SignedParameters[] = [];
  for (let version = 1; version < newest.parameters.version; version++) {
    const bytes = await ledger.parameters(version);
    if (bytes === undefined) {
      throw new ProtocolError('PARAMETERS_CHAIN', 'a version of the parameters is missing');
    }
    list.push(decodeSignedParameters(bytes));
  }
  list.push(newest);
  const withSuccessors = await ledger.withSuccessors(list);
  verifyParametersList(sodiumCrypto, withSuccessors, trustAnchor);
  return withSuccessors;
}
