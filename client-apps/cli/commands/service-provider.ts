// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { onRun, pairs } from '../output.js';
import { addRun, randomSource, withConfig } from '../run-party.js';

/** `gridveil service-provider run|identity|tariff` */
export function addServiceProvider(program: Command): void {
  const provider = program
    .command('service-provider')
    .description('the company that sells energy: prices each interval by the tariff, writes a bill for each row');
  addRun(provider, 'run', 'run the service provider', async () => {
    const { serviceProviderConfig, startServiceProvider } = await import('../../service-provider/main.js');
    return { config: serviceProviderConfig, start: startServiceProvider };
  });

  const identity = provider
    .command('identity')
    .description("its public keys, for the control center's configuration; makes its keys on first use");
  onRun<{ config: string }>(withConfig(identity), async (options) => {
    const { keySettings, serviceProviderIdentity } = await import('../../service-provider/main.js');
    const { loadConfig } = await import('../../runtime/config.js');
    const data = await serviceProviderIdentity(await loadConfig(keySettings, options.config), randomSource);
    return { data: { ...data }, text: pairs(Object.entries(data).map(([name, value]) => [name, String(value)])) };
  });

  const tariff = provider
    .command('tariff <file>')
    .description("sign a tariff for the region; the control center's operator enacts it in a new parameter version");
  onRun<{ config: string }>(withConfig(tariff), async (options, file) => {
    const { keySettings, proposeTariff, tariffFile } = await import('../../service-provider/main.js');
    const { loadConfig } = await import('../../runtime/config.js');
    const settings = await loadConfig(keySettings, options.config);
    const tariffSignature = await proposeTariff(settings, await loadConfig(tariffFile, file), randomSource);
    return { data: { tariffSignature }, text: [tariffSignature] };
  });
}
