// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, toHex } from '../../protocol/crypto/bytes.js';
import { deriveSecret } from '../runtime/party-secret.js';

/**
 * Derives the enrolment seed of a party by HKDF from the run's seed and the party's label. A party cannot compute
 * another's.
 *
 * @returns 32 bytes in hex, as in configurations
 */
export function enrolmentSeed(seed: string, label: string): string {
  return toHex(deriveSecret('demo', asciiBytes(seed), label));
}
