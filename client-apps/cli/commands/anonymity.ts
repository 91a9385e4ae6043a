// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { MAXIMUM_METERS } from '../../../protocol/ledger/limits.js';
import type { AbsenceFlags, AttackFlags } from '../../../research/attacks/measure.js';
import { requireWritableFile } from '../named-file.js';
import { integerBetween, seedText } from '../options.js';
import { onRun } from '../output.js';

interface AnonymityOptions extends AttackFlags {
  readonly corruptPerLayer: number;
  readonly targets: number;
  readonly traces?: string;
  readonly plot?: string;
}

const SEED = 'gridveil';

/** Meters that share a tier; more than a region's 5,000, to measure beyond today's limit. */
const MAXIMUM_TIER_METERS = 50_000;

/** Flags of a simulated tier, which conflict with `--traces`. */
const SIMULATED = ['meters', 'layers', 'relays', 'meanDelay', 'window', 'seed', 'slots'];

/** Adds the flags of {@link AttackFlags}. */
export function withTierOptions(command: Command, maximumMeters: number, meters: number, slots: number): Command {
  return command
    .option('--meters <n>', 'number of meters', integerBetween(2, maximumMeters), meters)
    .option('--layers <n>', 'number of relay layers', integerBetween(1, 8))
    .option('--relays <n>', 'relays per layer', integerBetween(1, 128), 3)
    .option('--mean-delay <ms>', 'mean delay per relay, milliseconds', integerBetween(10, 60_000))
    .option('--window <s>', 'window in which the packets of a slot leave, seconds', integerBetween(0, 300))
    .option('--slots <n>', 'number of slots to average over', integerBetween(1, 1_000), slots)
    .option('--seed <text>', 'seed of the random draws, for reproducible figures', seedText, SEED)
    .addHelpText('after', "\nDefaults of layers, delay and window: those of a region's parameters.");
}

/** Adds `--corrupt-per-layer`. */
export function withCorruptOption(command: Command): Command {
  return command.option(
    '--corrupt-per-layer <n>',
    'relays per layer that the observer controls',
    integerBetween(0, 128),
    0,
  );
}

/** Adds `gridveil research anonymity [attacks]`. */
export function addAnonymity(research: Command): void {
  const command = withTierOptions(
    research
      .command('anonymity')
      .description('measure sender anonymity against an observer of every link')
      // Its subcommands have flags of the same names.
      .enablePositionalOptions(),
    MAXIMUM_TIER_METERS,
    500,
    20,
  )
    .option('--targets <n>', 'packets per slot whose sender is inferred', integerBetween(1, MAXIMUM_TIER_METERS), 500)
    .addOption(
      new Option('--traces <directory>', 'measure a run recorded by "gridveil demo --unsafe-trace"').conflicts(
        SIMULATED,
      ),
    )
    .option('--plot <file>', 'write the distributions of entropy and latency as SVG');
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

  const attacks = command.command('attacks').description('measure the pairing and isolation attacks');
  onRun<AttackFlags>(withTierOptions(attacks, MAXIMUM_METERS, 500, 4), async (options) => {
    const { measureAttacks } = await import('../../../research/attacks/measure.js');
    const { attacksResult } = await import('../render/attacks.js');
    return attacksResult(measureAttacks(options), options);
  });
}

/** Adds `gridveil research ledger`. */
export function addAbsence(research: Command): void {
  const absence = research
    .command('ledger')
    .description('measure the absence attack: infer household use from published totals and silent meters')
    .option('--meters <n>', 'number of households', integerBetween(2, MAXIMUM_METERS), 500)
    .addOption(
      new Option('--readings <file>', 'meter readings, CSV (default: synthetic households)').conflicts([
        'days',
        'intervalMinutes',
      ]),
    )
    .option('--days <n>', 'days of synthetic readings', integerBetween(3, 60), 14)
    .option(
      '--interval-minutes <n>',
      'interval length of synthetic readings; a multiple of 5 that divides a day',
      integerBetween(5, 720),
      30,
    )
    .option('--silences <n>', 'silent intervals per meter', integerBetween(1, 1_000), 14)
    .option('--seed <text>', 'seed of the random draws, for reproducible figures', seedText, SEED);
  onRun<AbsenceFlags>(absence, async (options) => {
    const { measureAbsence } = await import('../../../research/attacks/measure.js');
    const { absenceResult } = await import('../render/attacks.js');
    return absenceResult(await measureAbsence(options), options.seed);
  });
}
