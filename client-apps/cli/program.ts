// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addBench } from './commands/bench.js';
import { addBulletin } from './commands/bulletin.js';
import { addConsumer } from './commands/consumer.js';
import { addControlCenter } from './commands/control-center.js';
import { addExplain } from './commands/explain.js';
import { addDemo } from './commands/demo.js';
import { addDoctor } from './commands/doctor.js';
import { addLedger } from './commands/ledger.js';
import { addMeter } from './commands/meter.js';
import { addReadings } from './commands/readings.js';
import { addRelay } from './commands/relay.js';
import { addResearch } from './commands/research.js';
import { addServiceProvider } from './commands/service-provider.js';
import { addVerify } from './commands/verify.js';

/** Creates the `gridveil` program. Commands load their modules when they run, so that help is quick. */
export function createProgram(): Command {
  const program = new Command('gridveil')
    .description('Private smart metering with bills that anyone can check.')
    .version(packageVersion())
    // A flag belongs to the command it follows, even if a subcommand has one of the same name.
    .enablePositionalOptions()
    // Errors are printed by main only, with their codes, and main sets the exit code.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  for (const add of [
    addDemo,
    addDoctor,
    addVerify,
    addExplain,
    addReadings,
    addControlCenter,
    addServiceProvider,
    addMeter,
    addConsumer,
    addRelay,
    addResearch,
    addBulletin,
    addLedger,
    addBench,
  ]) {
    add(program);
  }
  return program;
}

function packageVersion(): string {
  // dist/client-apps/cli → the repository's root
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
