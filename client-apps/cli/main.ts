// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf, printError } from './output.js';
import { createProgram } from './program.js';

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  // Commander throws after it has printed help or the version; help printed for a missing command is wrong use.
  if (error instanceof CommanderError && error.exitCode === 0) {
    process.exitCode = EXIT.done;
  } else {
    if (!(error instanceof CommanderError && error.code === 'commander.help')) {
      printError(error);
    }
    process.exitCode = exitCodeOf(error);
  }
}
