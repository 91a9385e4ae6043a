// SPDX-License-Identifier: Apache-2.0
// Every source file names its licence in one of its first two lines (the first may be `#!`).
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './prepare.mjs';

const HEADER = /^(\/\/|#) SPDX-License-Identifier: Apache-2\.0$/;
const SOURCE = /\.(ts|js|cjs|mjs|sh)$|^\.ci\/run$/;
const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage', 'organizations', '.git']);

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

const missing = [...files(ROOT)]
  .map((path) => relative(ROOT, path).replaceAll('\\', '/'))
  .filter((path) => SOURCE.test(path))
  .filter(
    (path) =>
      !readFileSync(join(ROOT, path), 'utf8')
        .split('\n', 2)
        .some((line) => HEADER.test(line)),
  );
for (const path of missing) process.stderr.write(`${path}: no SPDX-License-Identifier\n`);
process.exitCode = missing.length > 0 ? 1 : 0;
