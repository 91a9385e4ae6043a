// SPDX-License-Identifier: Apache-2.0
import { randomFillSync } from 'node:crypto';
import type { RandomSource } from '../../protocol/onion/packet.js';

/** Bytes fetched at once: an onion packet takes thirteen draws of up to 32 bytes, and each system call costs 2 µs. */
const POOL_LENGTH = 4_096;

/** Secret random bytes of the operating system, fetched in advance; bytes that were returned are wiped here. */
export function osRandom(): RandomSource {
  const pool = new Uint8Array(POOL_LENGTH);
  let used = POOL_LENGTH;
  return (length) => {
    if (length > POOL_LENGTH) {
      return randomFillSync(new Uint8Array(length));
    }
    if (used + length > POOL_LENGTH) {
      randomFillSync(pool);
      used = 0;
    }
    const bytes = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  };
}
