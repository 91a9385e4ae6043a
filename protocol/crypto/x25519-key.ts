// SPDX-License-Identifier: Apache-2.0
import { toHex } from './bytes.js';
import { KEY_LENGTH } from './crypto.js';

/** The u-coordinates of small order in their only canonical spelling: orders 4, 2 (p − 1), 1 and, twice, 8. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
]);

/** First byte of p = 2^255 − 19; the bytes after it are all 0xff but the last, 0x7f. */
const FIRST_BYTE_OF_P = 0xed;

/**
 * Whether 32 bytes are an X25519 key that a party may announce: the only spelling of its point (below p, with the top
 * bit 0), so that two keys that differ are two points, and not of small order, so that no agreement with it fails.
 */
export function isX25519PublicKey(key: Uint8Array): boolean {
  return isCanonicalX25519PublicKey(key) && !SMALL_ORDER.has(toHex(key));
}

/** Whether 32 bytes are the only spelling of their u-coordinate. */
export function isCanonicalX25519PublicKey(key: Uint8Array): boolean {
  const last = key[KEY_LENGTH - 1]!;
  return (
    key.length === KEY_LENGTH &&
    (last < 0x7f ||
      (last === 0x7f && !(key[0]! >= FIRST_BYTE_OF_P && key.subarray(1, -1).every((byte) => byte === 0xff))))
  );
}
