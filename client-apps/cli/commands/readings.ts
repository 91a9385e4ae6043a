// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { onRun, pairs } from '../output.js';
import { integerBetween, timeZone } from '../options.js';

/** How a readings file is to be read; shared by `readings check` and `demo`. */
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
    .option('--intervals <j>', 'only the first j complete steps', integerBetween(1, 100_000))
    .option('--time-zone <name>', 'time zone of a wide file, such as Europe/London (default UTC)', timeZone)
    .option('--lenient', 'leave out households with a fault, and count them, instead of refusing the file');
}

/** `gridveil readings check FILE` */
export function addReadings(program: Command): void {
  const readings = program.command('readings').description('work with files of meter readings');
  onRun<ReadingsOptions>(
    withReadingsOptions(
      readings.command('check <file>').description('read a file as the demo would and say what it holds'),
    ),
    async (options, file) => {
      const { loadReadings } = await import('../../readings/load.js');
      const { averageMilliWattHours } = await import('../../readings/readings.js');
      const { formatMilliWattHours } = await import('../../../protocol/energy/units.js');
      const found = await loadReadings(file, options);
      const end = found.startSeconds + found.intervals * found.intervalSeconds;
      const average = averageMilliWattHours(found);
      const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
      return {
        data: {
          file,
          households: found.households.length,
          intervals: found.intervals,
          intervalSeconds: found.intervalSeconds,
          startSeconds: found.startSeconds,
          averageMilliWattHours: average.toString(),
          skipped: found.skipped,
        },
        text: [
          ...pairs([
            ['households', String(found.households.length)],
            ['intervals', `${found.intervals} of ${found.intervalSeconds} s`],
            ['from', time(found.startSeconds)],
            ['to', time(end)],
            ['average of an interval', formatMilliWattHours(average)],
          ]),
          ...found.skipped.map(({ place, fault }) => `left out: ${place}: ${fault}`),
        ],
      };
    },
  );
}
