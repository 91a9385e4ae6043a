// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import { MAXIMUM_METERS } from '../../protocol/ledger/limits.js';
import { ClientError } from '../runtime/errors.js';
import type { ConsumerConfig } from '../consumer/main.js';
import { integerBetween } from './options.js';

/** Which hub a command is about. */
export interface HubOptions {
  config: string;
  consumer?: number | undefined;
}

/** Adds the option that chooses one hub of a host. */
export function withConsumerOption(command: Command): Command {
  return command.addOption(
    new Option('--consumer <n>', 'where the configuration is that of a host: which of its hubs, from 1').argParser(
      integerBetween(1, MAXIMUM_METERS),
    ),
  );
}

/** A hub's configuration, from its own file or out of its host's. @throws ClientError CONFIG_INVALID */
export async function loadConsumerConfig({ config: file, consumer }: HubOptions): Promise<ConsumerConfig> {
  const { consumerConfig, consumerHostConfig } = await import('../consumer/main.js');
  const { loadConfig } = await import('../runtime/config.js');
  if (consumer === undefined) {
    return loadConfig(consumerConfig, file);
  }
  const { hubs, ...shared } = await loadConfig(consumerHostConfig, file);
  const own = hubs[consumer - 1];
  if (own === undefined) {
    throw new ClientError('CONFIG_INVALID', `${file} has ${hubs.length} hubs`);
  }
  return { ...shared, ...own };
}
