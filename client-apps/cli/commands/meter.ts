// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { addRun } from './run-party.js';

/** `gridveil meter run|host` */
export function addMeter(program: Command): void {
  const meter = program.command('meter').description('a smart meter: splits, signs and sends what it measures');
  addRun(meter, 'run', 'run one meter', async () => {
    const { meterConfig, startMeter } = await import('../../meter/main.js');
    return { config: meterConfig, start: startMeter };
  });
  addRun(meter, 'host', 'run many meters in one process, each with its own directory, keys and links', async () => {
    const { meterHostConfig, startMeterHost } = await import('../../meter/main.js');
    return { config: meterHostConfig, start: startMeterHost };
  });
}
