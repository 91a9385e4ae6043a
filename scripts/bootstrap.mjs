// SPDX-License-Identifier: Apache-2.0
// All npm scripts that need an installation or a build start here, so each may be the first command in a fresh clone.
// Shell scripts call `node scripts/bootstrap.mjs prepare`, which says nothing when nothing is missing.
import { join } from 'node:path';
import { build, install, prepare, ROOT, run } from './prepare.mjs';

/** What is run after the preparation, if that is not all. */
const TASKS = {
  prepare: undefined,
  build: undefined,
  demo: ['dist/client-apps/cli/main.js', 'demo'],
  bench: ['dist/client-apps/cli/main.js', 'bench'],
  claims: ['scripts/claims.mjs'],
  test: ['scripts/test.mjs'],
  'test:system': ['scripts/test.mjs', '--system'],
  'test:chaincode': ['node_modules/mocha/bin/mocha.js', '--fail-zero', 'dist/chaincode/**/*.test.js'],
};

const [task, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(TASKS, task ?? '')) {
  process.stderr.write(`usage: node scripts/bootstrap.mjs ${Object.keys(TASKS).join('|')} [arguments]\n`);
  process.exit(2);
}
try {
  if (task === 'build') {
    await install();
    await build();
  } else await prepare();
} catch (error) {
  process.stderr.write(`gridveil: ${error.message}\n`);
  process.exit(1);
}
if (TASKS[task] !== undefined) {
  const [script, ...first] = TASKS[task];
  // The child cleans up after an interrupt; this process must outlive it to pass its exit code on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.exitCode = await run(process.execPath, [join(ROOT, script), ...first, ...rest]);
}
