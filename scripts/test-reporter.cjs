// SPDX-License-Identifier: Apache-2.0
// Mocha's own spec report, and beside it the counts, what failed and what was skipped, for the whole run's last lines.
'use strict';
const { appendFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    const skipped = [];
    runner.on('fail', (test, error) => failed.push(`${test.fullTitle()}: ${error.message.split('\n', 1)[0]}`));
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const counts = { passed: runner.stats.passes, failed, skipped };
      appendFileSync(process.env.GRIDVEIL_TEST_COUNTS, `${JSON.stringify(counts)}\n`);
    });
  }
};
