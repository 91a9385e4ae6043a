// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from 'commander';
import { exitCodeOf, printError } from './output.js';
import { createProgram } from './program.js';

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  // Help and version come as an error with exit code 0: they are printed already.
  if (!(error instanceof CommanderError && error.exitCode === 0)) {
    printError(error);
    process.exitCode = exitCodeOf(error);
  }
}
