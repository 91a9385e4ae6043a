// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { nobleCrypto } from '../../protocol/crypto/noble.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';

/** Both back ends: what holds for one must hold for the other. */
export const BACK_ENDS: readonly Crypto[] = [sodiumCrypto, nobleCrypto];

/** The frozen vectors in `protocol/vectors/<name>.json`, seen from `dist/test/support/`. */
export function frozenVectors<T>(name: string): T {
  const path = fileURLToPath(new URL(`../../../protocol/vectors/${name}.json`, import.meta.url));
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
