// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import type { Crypto } from '../../../protocol/crypto/crypto.js';
import { sharedLinkKey } from '../../../protocol/identity/meter-identity.js';
import { priceTag, priceTagKey } from '../../../protocol/identity/price-tag.js';
import type { ConsumerList } from '../../../protocol/ledger/consumer-list.js';
import { intervalNumber } from '../../../protocol/schedule/epochs.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import type { HubIdentity } from '../identity.js';

/**
 * Computes the tag of the household's own price row, in price mode `direct`.
 *
 * @param list consumer list of the interval's epoch, checked
 * @returns undefined while the household is not on the list, because it enrolled after the epoch's list was fixed
 */
export function ownPriceTag(
  crypto: Crypto,
  { price }: HubIdentity,
  list: ConsumerList,
  { parameters, startSeconds }: { readonly parameters: Parameters; readonly startSeconds: number },
): Uint8Array | undefined {
  if (!list.consumers.some((key) => equalBytes(key, price.publicKey))) {
    return undefined;
  }
  const sharedKey = sharedLinkKey(crypto, price.secretKey, list.serviceProviderKey);
  const key = priceTagKey(crypto, sharedKey, list.epoch);
  return priceTag(crypto, key, parameters.serviceProvider.identity, intervalNumber(parameters, startSeconds));
}
