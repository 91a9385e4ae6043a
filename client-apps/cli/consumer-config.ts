// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { MAXIMUM_METERS } from '../../protocol/ledger/limits.js';
import { loadConfig } from '../runtime/config.js';
import { ClientError } from '../runtime/errors.js';
import type { ConsumerConfig } from '../consumer/main.js';
import { integerBetween } from './options.js';

/** Options that select one hub. */
export interface HubOptions {
  config: string;
  consumer?: number | undefined;
}

/** Adds the option that selects one hub of a host. */
export function withConsumerOption(command: Command): Command {
  return command.addOption(
    new Option('--consumer <n>', 'position of the hub in the configuration of a host, from 1').argParser(
      integerBetween(1, MAXIMUM_METERS),
    ),
  );
}

/** Loads a hub's configuration from its own file or its host's. @throws ClientError CONFIG_INVALID, WRONG_USE */
export async function loadConsumerConfig({ config: file, consumer }: HubOptions): Promise<ConsumerConfig> {
  const { consumerConfig, consumerHostConfig } = await import('../consumer/main.js');
  if (consumer === undefined) {
    const { hubs } = await loadConfig(z.looseObject({ hubs: z.unknown() }).partial(), file);
    if (hubs !== undefined) {
      throw new ClientError('WRONG_USE', `${file} is the configuration of a host of hubs: expected --consumer`);
    }
    return loadConfig(consumerConfig, file);
  }
  const { hubs, ...shared } = await loadConfig(consumerHostConfig, file);
  const own = hubs[consumer - 1];
  if (own === undefined) {
    throw new ClientError('CONFIG_INVALID', `${file}: expected --consumer from 1 to ${hubs.length}, got ${consumer}`);
  }
  return { ...shared, ...own };
}
