// SPDX-License-Identifier: Apache-2.0
// All npm scripts that need an installation or a build start here, so each may be the first command in a fresh clone.
// Shell scripts call `node scripts/bootstrap.mjs prepare`, which says nothing when nothing is missing.
import { join } from 'node:path';
import { build, install, prepare, ROOT, run } from './prepare.mjs';

const GRIDVEIL = 'dist/client-apps/cli/main.js';
const TEST_OPTIONS = ['ledger'];

/**
 * The commands that run after the preparation, and their options where npm may take them for its own. npm has `--json`
 * and expands `--k` to one of its own, so that these two cannot be told from npm's.
 */
const TASKS = {
  prepare: {},
  build: {},
  'build:watch': { command: ['scripts/build.mjs', '--watch'] },
  demo: {
    command: [GRIDVEIL, 'demo'],
    options:
      'readings meters intervals time-zone lenient seed ledger network out region identity-mode price-mode relays household-relays unsafe-trace keep'.split(
        ' ',
      ),
  },
  bench: { command: [GRIDVEIL, 'bench'] },
  claims: { command: ['scripts/claims.mjs'], options: ['group', 'topic', 'claims'] },
  check: { command: ['scripts/test.mjs', '--static'] },
  coverage: {
    command: ['node_modules/c8/bin/c8.js', process.execPath, 'scripts/test.mjs', '--unit'],
  },
  test: { command: ['scripts/test.mjs'], options: TEST_OPTIONS },
  'test:unit': { command: ['scripts/test.mjs', '--unit'] },
  'test:one': { command: ['scripts/test-one.mjs'], options: ['grep', 'timeout'] },
  'test:system': { command: ['scripts/test.mjs', '--system'], options: TEST_OPTIONS },
  'test:chaincode': { command: ['node_modules/mocha/bin/mocha.js', '--fail-zero', 'dist/chaincode/**/*.test.js'] },
};

const [task, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(TASKS, task ?? '')) {
  process.stderr.write(`usage: node scripts/bootstrap.mjs ${Object.keys(TASKS).join('|')} [arguments]\n`);
  process.exit(2);
}
const { command, options = [] } = TASKS[task];

/** Options that npm kept for itself, as it does with `--name=value` in front of `--` and in shells that swallow `--`. */
const kept =
  process.env.npm_lifecycle_event === task
    ? options.filter((name) => process.env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined)
    : [];
if (kept.length > 0) {
  const names = kept.map((name) => `--${name}`).join(', ');
  process.stderr.write(`gridveil: npm did not pass on ${names}: put -- before the options: npm run ${task} -- …\n`);
  process.stderr.write(`Where the shell swallows --, use: node scripts/bootstrap.mjs ${task} …\n`);
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
if (command !== undefined) {
  const [script, ...first] = command;
  // The child cleans up after an interrupt; this process must outlive it to pass its exit code on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.exitCode = await run(process.execPath, ['--enable-source-maps', join(ROOT, script), ...first, ...rest]);
}
