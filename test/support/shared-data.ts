// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, seen from `dist/test/support/`. */
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/**
 * Path of a reference file that is read from outside the project and never copied into it.
 * The folder is `GRIDVEIL_SHARED`, by default `../shared` beside the clone.
 *
 * @returns the absolute path, or undefined when the file is absent
 */
export function sharedPath(relative: string): string | undefined {
  const path = join(resolve(ROOT, process.env['GRIDVEIL_SHARED'] ?? '../shared'), relative);
  return existsSync(path) ? path : undefined;
}

/**
 * The same for a test: an absent file skips the test, by name, in the report,
 * or fails it under `GRIDVEIL_REQUIRE_SHARED=1`.
 */
export function requireShared(context: Mocha.Context, relative: string): string {
  const path = sharedPath(relative);
  if (path !== undefined) {
    return path;
  }
  if (process.env['GRIDVEIL_REQUIRE_SHARED'] === '1') {
    throw new Error(`reference file ${relative} is absent`);
  }
  return context.skip();
}
