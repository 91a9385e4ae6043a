// SPDX-License-Identifier: Apache-2.0
import type { Parameters } from '../../protocol/ledger/parameters.js';

/** The modes of a region, which fix how meters are named and how prices are published. */
export type Modes = Pick<Parameters, 'identityMode' | 'priceMode'>;

/** Two pairs that together have every mode of either kind, for tests that run once with each pair. */
export const MODES: readonly [Modes, Modes] = [
  { identityMode: 'chain', priceMode: 'ledger' },
  { identityMode: 'encryption', priceMode: 'direct' },
];

/** The other two pairs. */
export const CROSSED_MODES: readonly [Modes, Modes] = [
  { identityMode: 'chain', priceMode: 'direct' },
  { identityMode: 'encryption', priceMode: 'ledger' },
];

/** For the titles of tests. */
export function modesText({ identityMode, priceMode }: Modes): string {
  return `identity mode ${identityMode}, price mode ${priceMode}`;
}
