// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { integerBetween } from '../options.js';
import { onRun } from '../output.js';
import type { AttackFlags } from '../../../research/attacks/measure.js';
import { withCorruptOption, withTierOptions } from './anonymity.js';

interface TierOptions extends AttackFlags {
  corruptPerLayer: number;
  targets: number;
  relayRate: number;
}

/** Packets per second that one relay process handles on one core, see `npm run bench -- relay`. */
const RELAY_PACKETS_PER_SECOND = 20_000;

/** Adds `gridveil research tier`. */
export function addTier(research: Command): void {
  const command = withTierOptions(
    research.command('tier').description('estimate the relays, latency and anonymity for a number of meters'),
    1_000_000,
    100_000,
    20,
  )
    .option('--targets <n>', 'packets per slot whose sender is inferred', integerBetween(1, 5_000), 50)
    .option(
      '--relay-rate <n>',
      'packets per second that one relay process handles',
      integerBetween(1, 1_000_000),
      RELAY_PACKETS_PER_SECOND,
    )
    .addHelpText('after', '\nMore than 5,000 meters form several regions, each with its own relays.');
  onRun<TierOptions>(withCorruptOption(command), async (options) => {
    const { simulateScale } = await import('../../../research/anonymity/scale.js');
    const { scaleResult } = await import('../render/anonymity.js');
    return scaleResult(simulateScale({ ...options, targetsPerSlot: options.targets }, options.relayRate), options);
  });
}
