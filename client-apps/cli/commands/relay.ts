// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import { onRun, pairs } from '../output.js';
import { addRun, loadPartyConfig, randomSource, withConfig, type RunOptions } from '../run-party.js';

/** `gridveil relay run|descriptor` */
export function addRelay(program: Command): void {
  const relay = program.command('relay').description('an onion relay: peels one layer, holds, forwards');
  addRun(relay, 'run', 'run the relay', async ({ unsafeTrace }: RunOptions & { unsafeTrace?: string }) => {
    const { relayConfig, startRelay } = await import('../../relay/main.js');
    return { config: relayConfig, start: (config, context) => startRelay(config, context, { unsafeTrace }) };
  }).addOption(
    new Option('--unsafe-trace <directory>', 'write down which packet became which; on simulated time only').hideHelp(),
  );
  const descriptor = relay
    .command('descriptor')
    .description("what the control center's operator enters to admit this relay; makes its keys on first use");
  onRun<{ config: string }>(withConfig(descriptor), async (options) => {
    const { relayConfig } = await import('../../relay/main.js');
    const { loadRelayKeys, relayIdentity } = await import('../../relay/keys.js');
    const { config, fileKey } = await loadPartyConfig(relayConfig, options.config);
    const keys = await loadRelayKeys(config.directory, fileKey, randomSource, config.enrolmentSeed);
    const { operator, layer } = config;
    const data = { ...relayIdentity(keys), ...(layer === undefined ? {} : { operator, layer }) };
    return { data, text: pairs(Object.entries(data).map(([name, value]) => [name, String(value)])) };
  });
}
