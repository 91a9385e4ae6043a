// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { integerBetween, seedText } from '../options.js';
import { onRun } from '../output.js';

/** Flags of every command that simulates a tier. */
export interface TierOptions {
  meters: number;
  layers?: number;
  relays: number;
  meanDelay?: number;
  window?: number;
  corruptPerLayer: number;
  slots: number;
  seed: string;
}

interface AnonymityOptions extends TierOptions {
  targets: number;
  traces?: string;
  plot?: string;
}

/** Meters that share a tier; a region has at most 5,000, but one may want to see beyond. */
const MAXIMUM_TIER_METERS = 50_000;

/** Flags that a run's traces answer themselves. */
const SIMULATED = ['meters', 'layers', 'relays', 'meanDelay', 'window', 'seed', 'slots'];

/** Adds the flags of {@link TierOptions}. */
export function withTierOptions(command: Command, maximumMeters: number, defaultMeters: number): Command {
  return command
    .option('--meters <n>', 'meters that send', integerBetween(2, maximumMeters), defaultMeters)
    .option('--layers <n>', 'layers of relays', integerBetween(1, 8))
    .option('--relays <n>', 'relays in each layer', integerBetween(1, 128), 3)
    .option('--mean-delay <ms>', 'mean delay at a relay, milliseconds', integerBetween(10, 60_000))
    .option('--window <s>', 'seconds in which all packets of a slot leave', integerBetween(0, 300))
    .option('--corrupt-per-layer <n>', 'relays in each layer that work for the observer', integerBetween(0, 128), 0)
    .option('--slots <n>', 'slots to average over', integerBetween(1, 1_000), 20)
    .option('--seed <text>', 'the same seed gives the same figures', seedText, 'gridveil');
}

/** `gridveil anonymity` */
export function addAnonymity(program: Command): void {
  const command = withTierOptions(
    program
      .command('anonymity')
      .description('measure what an observer of every link learns of who sent a packet to the control center'),
    MAXIMUM_TIER_METERS,
    500,
  )
    .option(
      '--targets <n>',
      'packets of a slot whose sender is looked for',
      integerBetween(1, MAXIMUM_TIER_METERS),
      500,
    )
    .addOption(
      new Option('--traces <directory>', 'measure a run, from what "demo --unsafe-trace" wrote').conflicts(SIMULATED),
    )
    .option('--plot <file>', 'write the distributions of entropy and latency as an SVG')
    .addHelpText(
      'after',
      "\nLayers, delay and window: by default those of a region's parameters. docs/ANONYMITY.md explains the measure.",
    );
  onRun<AnonymityOptions>(command, async (options) => {
    const { measureSimulation, measureTraces } = await import('../anonymity/measure.js');
    const { anonymityResult } = await import('../anonymity/report.js');
    const { anonymityPlot } = await import('../anonymity/plot.js');
    const { traces, targets, corruptPerLayer } = options;
    const measured =
      traces === undefined
        ? measureSimulation({ ...options, targetsPerSlot: targets })
        : await measureTraces(traces, corruptPerLayer, targets);
    if (options.plot !== undefined) await writeFile(options.plot, anonymityPlot(measured));
    return anonymityResult(measured);
  });
}
