// SPDX-License-Identifier: Apache-2.0
import { readUint32 } from '../../../protocol/crypto/bytes.js';
import { consumerListDigest, type ConsumerList } from '../../../protocol/ledger/consumer-list.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import { directoryDigest } from '../../../protocol/onion/directory-format.js';
import type { IntervalSeals, IntervalTrust } from '../../../protocol/rules/verify-interval.js';
import { epochOf } from '../../../protocol/schedule/epochs.js';
import { intervalsBetween } from '../../../protocol/schedule/intervals.js';
import type { TrustedBulletin } from '../../bulletin/trusted-bulletin.js';
import { ClientError } from '../../runtime/errors.js';
import type { HubParts } from '../parts.js';

/** Returns the trusted inputs of an interval's checks. */
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
    // A fork of the directory is detected here: the seals bind the one that all meters use.
    ...(directory === undefined ? {} : { directoryDigest: directoryDigest(crypto, directory) }),
    ...(list && { consumers: { digest: consumerListDigest(crypto, list), count: list.consumers.length } }),
  };
}

/**
 * Returns the consumer list of an interval; undefined where there is one price for all.
 *
 * @throws ClientError UNREACHABLE while no list is published, VERIFICATION_FAILED
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
    throw new ClientError('UNREACHABLE', 'the bulletin has no consumer list for the epoch');
  }
  return list;
}

/**
 * Tells whether the interval is due for a full check; hubs take turns, so that some do a full check in each interval.
 */
export function isFullTurn(
  { identity, fullCheckEvery }: HubParts,
  startSeconds: number,
  parameters: Parameters,
): boolean {
  const interval = Math.floor(intervalsBetween(parameters, 0, startSeconds));
  return (interval + readUint32(identity.link.pin, 0)) % fullCheckEvery === 0;
}
