// SPDX-License-Identifier: Apache-2.0
// `npm run demo`, `npm test`, `npm run claims` and `npm run bench` start here, so each may be the first command in a fresh clone.
import { join } from 'node:path';
import { prepare, ROOT, run } from './prepare.mjs';

const TASKS = {
  demo: ['dist/client-apps/cli/main.js', 'demo'],
  bench: ['dist/client-apps/cli/main.js', 'bench'],
  claims: ['scripts/claims.mjs'],
  test: ['scripts/test.mjs'],
  'test:system': ['scripts/test.mjs', '--system'],
};

const [task, ...rest] = process.argv.slice(2);
if (!(task in TASKS)) {
  process.stderr.write(`usage: node scripts/bootstrap.mjs ${Object.keys(TASKS).join('|')} [arguments]\n`);
  process.exit(2);
}
try {
  await prepare();
} catch (error) {
  process.stderr.write(`gridveil: ${error.message}\n`);
  process.exit(1);
}
const [script, ...first] = TASKS[task];
// The child cleans up after an interrupt; this process must outlive it to pass its exit code on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.exitCode = await run(process.execPath, [join(ROOT, script), ...first, ...rest]);
