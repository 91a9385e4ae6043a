// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { MAXIMUM_METERS } from '../../../protocol/ledger/limits.js';
import { requireWritableFile } from '../named-file.js';
import { integerBetween, seedText } from '../options.js';
import { onRun } from '../output.js';

/** Flags of a tier; what is not given is as in a region's parameters by default. */
export interface TierOptions {
  meters: number;
  layers?: number;
  relays: number;
  meanDelay?: number;
  window?: number;
  slots: number;
  seed: string;
}

interface AnonymityOptions extends TierOptions {
  corruptPerLayer: number;
  targets: number;
  traces?: string;
  plot?: string;
}

interface AbsenceOptions {
  meters: number;
  readings?: string;
  days: number;
  intervalMinutes: number;
  silences: number;
  seed: string;
}

const SEED = 'gridveil';

/** Meters that share a tier; a region has at most 5,000, but one may want to see beyond. */
const MAXIMUM_TIER_METERS = 50_000;

/** Flags that a run's traces answer themselves. */
const SIMULATED = ['meters', 'layers', 'relays', 'meanDelay', 'window', 'seed', 'slots'];

/** Adds the flags of {@link TierOptions}. */
export function withTierOptions(command: Command, maximumMeters: number, meters: number, slots: number): Command {
  return command
    .option('--meters <n>', 'meters that send', integerBetween(2, maximumMeters), meters)
    .option('--layers <n>', 'layers of relays', integerBetween(1, 8))
    .option('--relays <n>', 'relays in each layer', integerBetween(1, 128), 3)
    .option('--mean-delay <ms>', 'mean delay at a relay, milliseconds', integerBetween(10, 60_000))
    .option('--window <s>', 'seconds in which all packets of a slot leave', integerBetween(0, 300))
    .option('--slots <n>', 'slots to average over', integerBetween(1, 1_000), slots)
    .option('--seed <text>', 'the same seed gives the same figures', seedText, SEED)
    .addHelpText('after', "\nLayers, delay and window: by default those of a region's parameters.");
}

/** `--corrupt-per-layer` */
export function withCorruptOption(command: Command): Command {
  return command.option(
    '--corrupt-per-layer <n>',
    'relays in each layer that work for the observer',
    integerBetween(0, 128),
    0,
  );
}

/** `gridveil anonymity [attacks|absence]` */
export function addAnonymity(program: Command): void {
  const command = withTierOptions(
    program
      .command('anonymity')
      .description('measure what an observer of every link learns of who sent a packet to the control center')
      // Its subcommands have flags of the same names.
      .enablePositionalOptions(),
    MAXIMUM_TIER_METERS,
    500,
    20,
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
    .option('--plot <file>', 'write the distributions of entropy and latency as an SVG');
  onRun<AnonymityOptions>(withCorruptOption(command), async (options) => {
    const { measureSimulation, measureTraces } = await import('../../../research/anonymity/measure.js');
    const { anonymityResult } = await import('../render/anonymity.js');
    const { anonymityPlot } = await import('../../../research/anonymity/plot.js');
    const { traces, targets, corruptPerLayer } = options;
    if (options.plot !== undefined) {
      await requireWritableFile(options.plot);
    }
    const measured =
      traces === undefined
        ? measureSimulation({ ...options, targetsPerSlot: targets })
        : await measureTraces(traces, corruptPerLayer, targets);
    if (options.plot !== undefined) {
      await writeFile(options.plot, anonymityPlot(measured));
    }
    return anonymityResult(measured);
  });

  const attacks = command
    .command('attacks')
    .description("pair a meter's two packets by their times; drop all packets but one");
  onRun<TierOptions>(withTierOptions(attacks, MAXIMUM_METERS, 500, 4), async (options) => {
    const { attacksResult } = await import('../render/attacks.js');
    return attacksResult(options);
  });

  const absence = command
    .command('absence')
    .description('learn the use of households from published totals and from who was silent')
    .option('--meters <n>', 'households', integerBetween(2, MAXIMUM_METERS), 500)
    .addOption(
      new Option('--readings <file>', 'meter readings, CSV (default: synthetic households)').conflicts([
        'days',
        'intervalMinutes',
      ]),
    )
    .option('--days <n>', 'days of synthetic readings', integerBetween(3, 60), 14)
    .option('--interval-minutes <n>', 'their intervals; a multiple of 5 that divides a day', integerBetween(5, 720), 30)
    .option('--silences <n>', 'single intervals in which each meter is silent', integerBetween(1, 1_000), 14)
    .option('--seed <text>', 'the same seed gives the same figures', seedText, SEED);
  onRun<AbsenceOptions>(absence, async (options) => {
    const { absenceResult } = await import('../render/attacks.js');
    return absenceResult(options);
  });
}
