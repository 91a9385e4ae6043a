// SPDX-License-Identifier: Apache-2.0
// Counts the tests that Mocha finds, without running them. Prints one JSON object.
// --exit: a test file may open a handle when it is loaded, whose hooks a dry run does not close.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './prepare.mjs';

const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
const found = spawnSync(process.execPath, [mocha, '--dry-run', '--exit', '--reporter', 'json', 'dist/**/*.test.js'], {
  cwd: ROOT,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});
if (found.status !== 0) {
  process.stderr.write(found.stderr || found.stdout);
  process.exit(1);
}
const { stats } = JSON.parse(found.stdout.slice(found.stdout.indexOf('{')));
process.stdout.write(`${JSON.stringify({ tests: stats.tests })}\n`);
