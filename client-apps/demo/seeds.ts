// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, toHex } from '../../protocol/crypto/bytes.js';
import { deriveSecret } from '../runtime/party-secret.js';

/**
 * The enrolment seed of one party: HKDF of the run's seed and the party's label. A party gets its own and cannot
 * compute another's.
 *
 * @returns 32 bytes in hex, as configurations hold it
 */
export function enrolmentSeed(seed: string, label: string): string {
  return toHex(deriveSecret('demo', asciiBytes(seed), label));
}
