// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { addRunWithRelays } from '../with-relays.js';

/** Adds `gridveil meter run|host`. */
export function addMeter(program: Command): void {
  const meter = program.command('meter').description('smart meter: splits, signs and sends the measured energy');
  addRunWithRelays(meter, 'run', 'run one meter', async () => {
    const { meterConfig, startMeter } = await import('../../meter/main.js');
    return { config: meterConfig, start: startMeter };
  });
  const host = 'run many meters in one process, each with its own directory, keys and links';
  addRunWithRelays(meter, 'host', host, async () => {
    const { meterHostConfig, startMeterHost } = await import('../../meter/main.js');
    return { config: meterHostConfig, start: startMeterHost };
  });
}
