// SPDX-License-Identifier: Apache-2.0
import type { FuzzTarget } from './input.js';

/** Files of targets. Those of a file share a process; `async` ones wait for files or connections. */
export const KINDS = {
  documents: 'sync',
  rows: 'sync',
  onion: 'sync',
  states: 'sync',
  files: 'async',
  faces: 'async',
  chaincode: 'async',
} as const;
export type Kind = keyof typeof KINDS;

/** The targets of one kind. */
export async function targetsOf(kind: Kind): Promise<readonly FuzzTarget[]> {
  const { targets } = (await import(`./targets/${kind}.js`)) as { targets: readonly FuzzTarget[] };
  return targets;
}
