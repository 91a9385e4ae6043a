// SPDX-License-Identifier: Apache-2.0
import { longLayout, longReader } from './long-csv.js';
import { ReadingsError, type Readings } from './readings.js';
import { type LoadOptions, SeriesCollector } from './series-collector.js';
import { readLineBlocks } from './text-lines.js';
import { wideLayout, wideReader } from './wide-csv.js';

type LineReader = (fields: string[], line: number) => void;

/**
 * Reads a readings file, wide or long by its header, and checks all requested readings before it returns. Memory grows
 * with the number of readings kept, not with the file.
 *
 * @throws ReadingsError with `file:line` and a fault; under `lenient` only for faults that concern the whole file
 */
export async function loadReadings(path: string, options: LoadOptions = {}): Promise<Readings> {
  const collector = new SeriesCollector(path, options);
  let read: LineReader | undefined;
  for await (const { firstLine, lines } of readLineBlocks(path)) {
    for (const [position, line] of lines.entries()) {
      const number = firstLine + position;
      if (line.includes('"')) {
        throw collector.error('BAD_LINE', number, 'quoted fields are not supported');
      }
      if (line === '') {
        throw collector.error('BAD_LINE', number, 'empty line');
      }
      const fields = line.split(',');
      if (read === undefined) {
        read = lineReader(collector, fields);
      } else {
        read(fields, number);
      }
    }
  }
  if (read === undefined) {
    throw new ReadingsError('TOO_SHORT', path, 'empty file');
  }
  return collector.finish();
}

function lineReader(collector: SeriesCollector, header: string[]): LineReader {
  const wide = wideLayout(collector, header);
  if (wide !== undefined) {
    return wideReader(collector, wide);
  }
  const long = longLayout(header);
  if (long !== undefined) {
    return longReader(collector, long);
  }
  throw collector.error('BAD_HEADER', 1, 'expected household,date,00:00,… or household,start,kwh');
}
