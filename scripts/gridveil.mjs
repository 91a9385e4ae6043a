#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The command `gridveil`: in a clone it first installs and builds what is missing, then hands over to the program.
import { prepare } from './prepare.mjs';

try {
  await prepare();
} catch (error) {
  process.stderr.write(`gridveil: ${error.message}\n`);
  process.exit(1);
}
// Stack traces then name the sources.
process.setSourceMapsEnabled(true);
await import('../dist/client-apps/cli/main.js');
