// SPDX-License-Identifier: Apache-2.0
// Mocha's own spec report, and beside it a file for programs: the number of tests that passed, what failed and what was
// skipped, and a list of all tests that ran, by file, for the claims that name them.
'use strict';
const { appendFileSync } = require('node:fs');
const { relative } = require('node:path');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const tests = [];
    const record = (state) => (test, error) => {
      const file = relative(process.cwd(), test.file ?? test.parent?.file ?? '').replaceAll('\\', '/');
      tests.push({ file, title: test.fullTitle(), state, error: error?.message.split('\n', 1)[0] });
    };
    runner.on('pass', record('passed'));
    runner.on('fail', record('failed'));
    runner.on('pending', record('pending'));
    runner.once('end', () => {
      const of = (wanted) => tests.filter(({ state }) => state === wanted);
      const counts = {
        passed: runner.stats.passes,
        failed: of('failed').map(({ title, error }) => `${title}: ${error}`),
        skipped: of('pending').map(({ title }) => title),
        tests,
      };
      appendFileSync(process.env.GRIDVEIL_TEST_COUNTS, `${JSON.stringify(counts)}\n`);
    });
  }
};
