// SPDX-License-Identifier: Apache-2.0
// Mocha's own spec report, and beside it the counts and the names of skipped tests for the whole run's last line.
'use strict';
const { appendFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const { passes, failures } = runner.stats;
      appendFileSync(
        process.env.GRIDVEIL_TEST_COUNTS,
        `${JSON.stringify({ passed: passes, failed: failures, skipped })}\n`,
      );
    });
  }
};
