// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FuzzTarget } from './input.js';

const REGRESSIONS = fileURLToPath(new URL('../../../test/fuzz/regressions/', import.meta.url));

/** Inputs with which a target was once broken: the files of `test/fuzz/regressions/<target>/`. */
export function regressionsOf({ name }: FuzzTarget): readonly Uint8Array[] {
  const folder = join(REGRESSIONS, name);
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder).map((file) => new Uint8Array(readFileSync(join(folder, file))));
}
