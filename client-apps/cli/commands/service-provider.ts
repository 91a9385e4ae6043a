// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { loadConfig } from '../../runtime/config.js';
import { fieldsResult, onRun } from '../output.js';
import { addRun, randomSource, withConfig } from '../run-party.js';

/** Adds `gridveil service-provider run|identity|tariff`. */
export function addServiceProvider(program: Command): void {
  const provider = program
    .command('service-provider')
    .description('service provider: prices each interval by the tariff and bills each row');
  addRun(provider, 'run', 'run the service provider', async () => {
    const { serviceProviderConfig, startServiceProvider } = await import('../../service-provider/main.js');
    return { config: serviceProviderConfig, start: startServiceProvider };
  });

  const identity = provider
    .command('identity')
    .description(
      "print the service provider's public keys, for the control center's configuration; creates the keys on first use",
    );
  onRun<{ config: string }>(withConfig(identity), async (options) => {
    const { keySettings, serviceProviderIdentity } = await import('../../service-provider/main.js');
    return fieldsResult(await serviceProviderIdentity(await loadConfig(keySettings, options.config), randomSource));
  });

  const tariff = provider
    .command('tariff <file>')
    .description("sign a tariff for the region; the control center's operator enacts it in a new parameter version");
  onRun<{ config: string }>(withConfig(tariff), async (options, file) => {
    const { keySettings, proposeTariff, tariffFile } = await import('../../service-provider/main.js');
    const settings = await loadConfig(keySettings, options.config);
    const tariffSignature = await proposeTariff(settings, await loadConfig(tariffFile, file), randomSource);
    return { data: { tariffSignature }, text: [tariffSignature] };
  });
}
