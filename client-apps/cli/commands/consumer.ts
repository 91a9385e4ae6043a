// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { fieldsResult, onRun } from '../output.js';
import { loadConsumerConfig, withConsumerOption, type HubOptions } from '../consumer-config.js';
import { addRecompute } from './recompute.js';
import { randomSource, withConfig } from '../run-party.js';
import { addRunWithRelays } from '../with-relays.js';

/** Adds `gridveil consumer run|host|pairing|bill|disputes|recompute`. */
export function addConsumer(program: Command): void {
  const consumer = program
    .command('consumer')
    .description("consumer's home hub: finds the household's rows and checks its bills");
  addRunWithRelays(consumer, 'run', 'run one hub', async () => {
    const { consumerConfig, startConsumer } = await import('../../consumer/main.js');
    return { config: consumerConfig, start: startConsumer };
  });
  const host = 'run many hubs in one process, each with its own directory, keys and link';
  addRunWithRelays(consumer, 'host', host, async () => {
    const { consumerHostConfig, startConsumerHost } = await import('../../consumer/main.js');
    return { config: consumerHostConfig, start: startConsumerHost };
  });

  const pairing = consumer
    .command('pairing')
    .description("print the hub's pairing for the meter's configuration (secret); creates the hub's keys on first use");
  onRun<HubOptions>(withConsumerOption(withConfig(pairing)), async (options) => {
    const { readPairing } = await import('../../consumer/main.js');
    return fieldsResult(await readPairing(await loadConsumerConfig(options), randomSource));
  });

  const bill = consumer.command('bill').description('list the verified intervals and their bills');
  onRun<HubOptions>(withConsumerOption(withConfig(bill)), async (options) => {
    const { readSummary } = await import('../../consumer/main.js');
    const { billResult } = await import('../render/consumer.js');
    return billResult(await readSummary(await loadConsumerConfig(options)));
  });

  const disputes = consumer
    .command('disputes')
    .description('list the disputes that the hub raised; exit code 1 if there are any');
  onRun<HubOptions>(withConsumerOption(withConfig(disputes)), async (options) => {
    const { readDisputes } = await import('../../consumer/main.js');
    const { disputesResult } = await import('../render/consumer.js');
    return disputesResult(await readDisputes(await loadConsumerConfig(options)));
  });
  addRecompute(consumer);
}
