// SPDX-License-Identifier: Apache-2.0
import { readUint32 } from '../../../protocol/crypto/bytes.js';
import { consumerListDigest, type ConsumerList } from '../../../protocol/ledger/consumer-list.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import { directoryDigest } from '../../../protocol/onion/directory-format.js';
import type { IntervalSeals, IntervalTrust } from '../../../protocol/rules/verify-interval.js';
import { epochOf } from '../../../protocol/schedule/intervals.js';
import type { TrustedBulletin } from '../../bulletin/trusted-bulletin.js';
import { ClientError } from '../../runtime/errors.js';
import type { HubParts } from '../parts.js';

/** What the checks of an interval rest on. */
export async function trustFor(
  { bulletin, crypto }: HubParts,
  startSeconds: number,
  parameters: Parameters,
  previousSeals: IntervalSeals | undefined,
): Promise<IntervalTrust> {
  const { versions } = bulletin;
  const isFirst = versions[0]?.parameters.effectiveFromSeconds === startSeconds;
  const directory = await bulletin.directory(epochOf(parameters, startSeconds));
  const list = await consumersFor(bulletin, startSeconds, parameters);
  return {
    parameters: versions,
    previous: isFirst ? 'first' : (previousSeals ?? 'unknown'),
    // All use the one directory that the seals bind, or this household was shown another one.
    ...(directory === undefined ? {} : { directoryDigest: directoryDigest(crypto, directory) }),
    ...(list && { consumers: { digest: consumerListDigest(crypto, list), count: list.consumers.length } }),
  };
}

/**
 * Whom the prices of an interval went to; undefined where there is one price for all.
 *
 * @throws ClientError UNREACHABLE while there is no list, VERIFICATION_FAILED
 */
export async function consumersFor(
  bulletin: TrustedBulletin,
  startSeconds: number,
  parameters: Parameters,
): Promise<ConsumerList | undefined> {
  if (parameters.priceMode === 'ledger') {
    return undefined;
  }
  const list = await bulletin.consumers(epochOf(parameters, startSeconds));
  if (list === undefined) {
    throw new ClientError('UNREACHABLE', 'the bulletin holds no consumer list');
  }
  return list;
}

/** Hubs take turns, so that in every interval some of them check everything. */
export function isFullTurn(
  { identity, fullCheckEvery }: HubParts,
  startSeconds: number,
  parameters: Parameters,
): boolean {
  const interval = Math.floor(startSeconds / parameters.intervalSeconds);
  return (interval + readUint32(identity.link.pin, 0)) % fullCheckEvery === 0;
}
