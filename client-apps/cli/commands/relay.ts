// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import { fieldsResult, onRun } from '../output.js';
import { addRun, loadPartyConfig, randomSource, withConfig, type RunOptions } from '../run-party.js';

/** Adds `gridveil relay run|descriptor`. */
export function addRelay(program: Command): void {
  const relay = program.command('relay').description('onion relay: decrypts one layer, delays and forwards packets');
  addRun(relay, 'run', 'run the relay', async ({ unsafeTrace }: RunOptions & { unsafeTrace?: string }) => {
    const { relayConfig, startRelay } = await import('../../relay/main.js');
    return { config: relayConfig, start: (config, context) => startRelay(config, context, { unsafeTrace }) };
  }).addOption(
    new Option('--unsafe-trace <directory>', 'record which packet became which; simulated time only').hideHelp(),
  );
  const descriptor = relay
    .command('descriptor')
    .description("print the relay's identity, for the control center's configuration; creates the keys on first use");
  onRun<{ config: string }>(withConfig(descriptor), async (options) => {
    const { relayConfig } = await import('../../relay/main.js');
    const { loadRelayKeys, relayFileKey, relayIdentity } = await import('../../relay/keys.js');
    const { config, fileKey } = await loadPartyConfig(relayConfig, options.config);
    const key = relayFileKey(fileKey, config);
    const keys = await loadRelayKeys(config.directory, key, randomSource, config.enrolmentSeed);
    const { operator, layer, links } = config;
    const place = layer === undefined ? {} : { operator, layer, address: links.address };
    return fieldsResult({ ...relayIdentity(keys), ...place });
  });
}
