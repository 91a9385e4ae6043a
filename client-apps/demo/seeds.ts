// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, toHex } from '../../protocol/crypto/bytes.js';
import { hkdf } from '../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';

const SEED_LENGTH = 32;
const NO_SALT = new Uint8Array(0);

/**
 * Derives the enrolment seed of a party by HKDF from the run's seed and the party's label. A party cannot compute
 * another's.
 *
 * @returns 32 bytes in hex, as in configurations
 */
export function enrolmentSeed(seed: string, label: string): string {
  return toHex(hkdf(sodiumCrypto, NO_SALT, asciiBytes(seed), asciiBytes(`gridveil demo ${label}`), SEED_LENGTH));
}
