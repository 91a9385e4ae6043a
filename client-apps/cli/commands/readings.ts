// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { onRun } from '../output.js';
import { integerBetween, timeZone } from '../options.js';

/** Options for reading a readings file, shared by `readings check` and `demo`. */
export interface ReadingsOptions {
  meters?: number;
  intervals?: number;
  timeZone?: string;
  lenient?: true;
}

/** Adds the options of {@link ReadingsOptions}. */
export function withReadingsOptions(command: Command): Command {
  return command
    .option('--meters <n>', 'only the first n households, in file order', integerBetween(1, 5_000))
    .option('--intervals <j>', 'only the first j complete intervals', integerBetween(1, 100_000))
    .option('--time-zone <name>', 'IANA time zone of a wide file (default: UTC)', timeZone)
    .option('--lenient', 'skip and report households with a fault instead of refusing the file');
}

/** Adds `gridveil readings check FILE`. */
export function addReadings(program: Command): void {
  const readings = program.command('readings').description('files of meter readings');
  const check = readings.command('check <file>').description('read a file as the demo does and summarise it');
  onRun<ReadingsOptions>(withReadingsOptions(check), async (options, file) => {
    const { loadReadings } = await import('../../readings/load.js');
    const { readingsResult } = await import('../render/readings.js');
    return readingsResult(await loadReadings(file, options), file);
  });
}
