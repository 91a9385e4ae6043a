// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { integerBetween } from '../options.js';
import { onRun } from '../output.js';
import { withCorruptOption, withTierOptions, type TierOptions } from './anonymity.js';

interface SimulateOptions extends TierOptions {
  corruptPerLayer: number;
  targets: number;
  relayRate: number;
}

/** What one relay process takes in a second on one core; `npm run bench -- relay` measures it. */
const RELAY_PACKETS_PER_SECOND = 20_000;

/** `gridveil simulate` */
export function addSimulate(program: Command): void {
  const command = withTierOptions(
    program
      .command('simulate')
      .description('how many relays a number of meters needs, and what latency and anonymity it gets'),
    1_000_000,
    100_000,
    20,
  )
    .option('--targets <n>', 'packets of a slot whose sender is looked for', integerBetween(1, 5_000), 50)
    .option(
      '--relay-rate <n>',
      'packets that one relay process takes in a second',
      integerBetween(1, 1_000_000),
      RELAY_PACKETS_PER_SECOND,
    )
    .addHelpText('after', '\nMore than 5,000 meters are several regions, each with relays of its own.');
  onRun<SimulateOptions>(withCorruptOption(command), async (options) => {
    const { simulateScale } = await import('../../../research/anonymity/scale.js');
    const { scaleResult } = await import('../render/anonymity.js');
    return scaleResult(simulateScale({ ...options, targetsPerSlot: options.targets }, options.relayRate), options);
  });
}
