// SPDX-License-Identifier: Apache-2.0
import { asciiBytes } from '../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../protocol/crypto/sodium.js';
import type { RandomSource } from '../protocol/onion/packet.js';

/**
 * Returns reproducible bytes: SHA-256 over a label and a counter. For measurements only, never for secrets.
 *
 * @param label printable ASCII; equal labels give equal bytes
 */
export function seededRandom(label: string): RandomSource {
  let block: Uint8Array = new Uint8Array(0);
  let used = 0;
  let counter = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; used++, filled++) {
      if (used === block.length) {
        block = sodiumCrypto.sha256(asciiBytes(`gridveil anonymity ${label} ${counter++}`));
        used = 0;
      }
      bytes[filled] = block[used]!;
    }
    return bytes;
  };
}
