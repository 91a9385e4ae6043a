// SPDX-License-Identifier: Apache-2.0
import { formatMilliWattHours } from '../../../protocol/energy/units.js';
import { averageMilliWattHours, type Readings, type SkippedHousehold } from '../../readings/readings.js';
import { pairs, timeText, type Result } from '../output.js';

/** Renders a summary of a readings file. */
export function readingsResult(readings: Readings, file: string): Result {
  const { households, intervals, intervalSeconds, startSeconds, skipped } = readings;
  const average = averageMilliWattHours(readings);
  return {
    data: {
      file,
      households: households.length,
      intervals,
      intervalSeconds,
      startSeconds,
      averageMilliWattHours: average,
      skipped,
    },
    text: [
      ...pairs([
        ['households', String(households.length)],
        ['intervals', `${intervals} of ${intervalSeconds} s`],
        ['from', timeText(startSeconds)],
        ['to', timeText(startSeconds + intervals * intervalSeconds)],
        ['average per interval', formatMilliWattHours(average)],
      ]),
      ...skipped.map(skippedText),
    ],
  };
}

/** One line about a household that was skipped. */
export function skippedText({ place, fault }: SkippedHousehold): string {
  return `skipped household: ${place}: ${fault}`;
}
