// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { onRun, pairs, table } from '../output.js';
import { loadConsumerConfig, withConsumerOption, type HubOptions } from '../consumer-config.js';
import { addRecompute } from './recompute.js';
import { randomSource, withConfig } from '../run-party.js';
import { addRunWithRelays } from '../with-relays.js';

/** `gridveil consumer run|host|pairing|bill|disputes|recompute` */
export function addConsumer(program: Command): void {
  const consumer = program.command('consumer').description("a household's hub: finds its rows, checks its bills");
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
    .description("what the household enters into its meter's configuration; secret; makes the hub's keys on first use");
  onRun<HubOptions>(withConsumerOption(withConfig(pairing)), async (options) => {
    const { readPairing } = await import('../../consumer/main.js');
    const data = await readPairing(await loadConsumerConfig(options), randomSource);
    return { data: { ...data }, text: pairs(Object.entries(data)) };
  });

  const bill = consumer.command('bill').description('the intervals that the hub verified, and what they cost');
  onRun<HubOptions>(withConsumerOption(withConfig(bill)), async (options) => {
    const { readSummary } = await import('../../consumer/main.js');
    const { formatMilliWattHours, formatNanoCurrency } = await import('../../../protocol/energy/units.js');
    const summary = await readSummary(await loadConsumerConfig(options));
    return {
      data: { ...summary },
      text: table([
        ['interval', 'energy', 'price per kWh', 'bill', 'check'],
        ...summary.listed.map((interval) => [
          new Date(interval.startSeconds * 1000).toISOString(),
          formatMilliWattHours(BigInt(interval.milliWattHours)),
          formatNanoCurrency(BigInt(interval.priceNanoPerKilowattHour)),
          formatNanoCurrency(BigInt(interval.billNanoCurrency)),
          interval.depth,
        ]),
        [
          `all ${summary.intervals}`,
          formatMilliWattHours(BigInt(summary.onLedgerMilliWattHours)),
          '',
          formatNanoCurrency(BigInt(summary.billedNanoCurrency)),
          summary.disputes === 0 ? 'no dispute' : `${summary.disputes} disputed`,
        ],
      ]),
    };
  });

  const disputes = consumer
    .command('disputes')
    .description('what the hub found wrong; exit code 1 if there is anything');
  onRun<HubOptions>(withConsumerOption(withConfig(disputes)), async (options) => {
    const { readDisputes } = await import('../../consumer/main.js');
    const found = await readDisputes(await loadConsumerConfig(options));
    return {
      ok: found.length === 0,
      data: { disputes: found },
      text: found.flatMap(({ kind, region, startSeconds, faults }) =>
        faults.map(({ file, code, message }) => `${kind} ${region}/${startSeconds} ${file}: ${code}: ${message}`),
      ),
    };
  });
  addRecompute(consumer);
}
