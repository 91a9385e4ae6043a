// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { addRun } from './run-party.js';
import { RELAY_OPTION, withRelays, type WithRelays } from './with-relays.js';

/** `gridveil meter run|host` */
export function addMeter(program: Command): void {
  const meter = program.command('meter').description('a smart meter: splits, signs and sends what it measures');
  addRun(meter, 'run', 'run one meter', async ({ relay }: WithRelays) => {
    const { meterConfig, startMeter } = await import('../../meter/main.js');
    return withRelays({ config: meterConfig, start: startMeter }, relay);
  }).option(...RELAY_OPTION);
  addRun(
    meter,
    'host',
    'run many meters in one process, each with its own directory, keys and links',
    async ({ relay }: WithRelays) => {
      const { meterHostConfig, startMeterHost } = await import('../../meter/main.js');
      return withRelays({ config: meterHostConfig, start: startMeterHost }, relay);
    },
  ).option(...RELAY_OPTION);
}
