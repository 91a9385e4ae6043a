// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf, printError } from './output.js';
import { createProgram } from './program.js';

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  // Help and version come as an error and are printed already; help that nobody asked for is wrong use.
  if (error instanceof CommanderError && error.exitCode === 0) {
    process.exitCode = EXIT.done;
  } else {
    if (!(error instanceof CommanderError && error.code === 'commander.help')) {
      printError(error);
    }
    process.exitCode = exitCodeOf(error);
  }
}
