// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { ClientError } from '../runtime/errors.js';
import type { Log } from '../runtime/log.js';
import { untilReachable } from '../runtime/retry.js';
import type { BulletinSource } from './reader.js';
import { TrustedBulletin } from './trusted-bulletin.js';

/** A party's view of its region. */
export interface RegionTrust {
  readonly region: string;
  /** The stored one, or else that of the configuration; undefined trusts the key found first. */
  readonly trustAnchor: Uint8Array | undefined;
  /** The party's enrolment seed, if it has one. */
  readonly seed: Uint8Array | undefined;
}

/**
 * Opens the bulletin for a meter or a hub, waiting until it answers.
 *
 * @returns the bulletin, and its newest parameters
 * @throws ClientError CONFIG_INVALID as {@link checkSeed}; VERIFICATION_FAILED
 */
export async function openBulletin(
  source: BulletinSource,
  { region, trustAnchor, seed }: RegionTrust,
  log: Log,
): Promise<{ readonly bulletin: TrustedBulletin; readonly parameters: Parameters }> {
  const bulletin = new TrustedBulletin(sodiumCrypto, source, region, trustAnchor && toHex(trustAnchor));
  const versions = await untilReachable(log, 'bulletin', () => bulletin.refresh());
  const { parameters } = versions.at(-1)!;
  checkSeed(parameters, seed);
  return { bulletin, parameters };
}

/**
 * Checks that secrets which follow from a seed are used in a demo's region, and no others there.
 *
 * @throws ClientError CONFIG_INVALID
 */
export function checkSeed({ demo }: Parameters, seed: Uint8Array | undefined): void {
  if (demo !== (seed !== undefined)) {
    const [expected, region] = demo ? ['set', 'a demo'] : ['absent', 'not a demo'];
    throw new ClientError('CONFIG_INVALID', `enrolmentSeed must be ${expected}: the region is ${region}`);
  }
}
