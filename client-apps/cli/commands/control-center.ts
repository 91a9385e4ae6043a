// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { CodeRole } from '../../control-center/main.js';
import { integerBetween } from '../options.js';
import { loadConfig } from '../../runtime/config.js';
import { fieldsResult, onRun } from '../output.js';
import { addRun, randomSource, withConfig } from '../run-party.js';

/** Adds `gridveil control-center run|identity|codes`. */
export function addControlCenter(program: Command): void {
  const center = program
    .command('control-center')
    .description('control center: registers meters, verifies and seals the ledgers, publishes the bulletin');
  addRun(center, 'run', 'run the control center', async () => {
    const { controlCenterConfig, startControlCenter } = await import('../../control-center/main.js');
    return { config: controlCenterConfig, start: startControlCenter };
  });

  const identity = center
    .command('identity')
    .description("print the control center's public keys, for all other configurations; creates the keys on first use");
  onRun<{ config: string }>(withConfig(identity), async (options) => {
    const { controlCenterIdentity, keySettings } = await import('../../control-center/main.js');
    return fieldsResult(await controlCenterIdentity(await loadConfig(keySettings, options.config), randomSource));
  });

  const codes = center
    .command('codes')
    .description('create one-use enrolment codes; the control center may be running')
    .addOption(
      new Option('--role <role>', 'role that the codes enrol').choices(['meter', 'hub', 'relay']).default('meter'),
    )
    .option('--count <n>', 'number of codes', integerBetween(1, 10_000), 1);
  onRun<{ config: string; role: CodeRole; count: number }>(withConfig(codes), async ({ config, role, count }) => {
    const { enrolmentCodes, keySettings } = await import('../../control-center/main.js');
    const made = await enrolmentCodes(await loadConfig(keySettings, config), randomSource, { role, count });
    return { data: { role, codes: made }, text: made };
  });
}
