// SPDX-License-Identifier: Apache-2.0
import type { ConsumerConfig } from '../../consumer/main.js';

/** A hub's configuration. @throws ClientError CONFIG_INVALID */
export async function loadConsumerConfig(file: string): Promise<ConsumerConfig> {
  const { consumerConfig } = await import('../../consumer/main.js');
  const { loadConfig } = await import('../../common/config.js');
  return loadConfig(consumerConfig, file);
}
