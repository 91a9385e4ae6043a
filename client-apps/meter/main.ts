// SPDX-License-Identifier: Apache-2.0
import { Mirrors } from '../bulletin/mirrors.js';
import { bulletinServers, type BulletinSource } from '../bulletin/reader.js';
import { runHost } from '../runtime/host.js';
import { MemoBulletin } from '../bulletin/memo-bulletin.js';
import { BASE_OPEN_FILES, requireOpenFiles } from '../runtime/open-files.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { loadFileKey } from '../runtime/sealed-file.js';
import { ReadingTimes } from '../runtime/slot-schedule.js';
import type { MeterConfig, MeterHostConfig } from './config.js';
import { MeterDaemon } from './daemon.js';
import { openMeter } from './open-meter.js';

export { meterConfig, meterHostConfig, type MeterConfig, type MeterHostConfig } from './config.js';

/** Starts one meter. See {@link startMeterHost} for its reports. */
export function startMeter(config: MeterConfig, context: PartyContext): Promise<RunningParty> {
  return run([config], bulletinServers(config), context);
}

/**
 * Starts many meters in one process. They share downloads of the bulletin and nothing else.
 *
 * Reports: `ready` `{ meters }` when all are enrolled and scheduled; `meter` after every slot of each meter:
 * `{ meter, slotStartSeconds, measuredMilliWattHours, carriedMilliWattHours, inFlightMilliWattHours }`, where `meter`
 * is the position in the configuration and amounts are decimal strings.
 *
 * @throws ClientError CONFIG_INVALID, KEY_FILE, DIRECTORY_LOCKED, ENROLMENT_REFUSED, VERIFICATION_FAILED, SEALED_INVALID; ReadingsError
 */
export function startMeterHost(config: MeterHostConfig, context: PartyContext): Promise<RunningParty> {
  const { meters, ...shared } = config;
  const sources = bulletinServers(shared).map((server) => new MemoBulletin(server, context.clock));
  return run(
    meters.map((own) => ({ ...shared, ...own })),
    sources,
    context,
  );
}

/** Open files of a meter: links to the entry relays, of which there are two or more, and its own file. */
const OPEN_FILES_PER_METER = 3;

/**
 * Number of concurrent enrolments. The control center numbers meters in the order of enrolment, and in identity mode
 * `encryption` the number is part of every pseudonym: a seeded run needs the same order.
 */
const CONCURRENT_ENROLMENTS = 1;

async function run(
  configs: readonly MeterConfig[],
  sources: readonly BulletinSource[],
  context: PartyContext,
): Promise<RunningParty> {
  requireOpenFiles(BASE_OPEN_FILES + OPEN_FILES_PER_METER * configs.length, `a host of ${configs.length} meters`);
  const fileKey = await loadFileKey(process.env);
  const times = new ReadingTimes(context.random);
  const host = await runHost(context, {
    configs,
    source: new Mirrors(sources),
    open: (config) => openMeter(config, new Mirrors(sources), fileKey, context),
    begin: (opened, config, meter, onFailure) =>
      new MeterDaemon(opened, config, context, {
        times,
        onFailure,
        onSlot: ({ startSeconds }, balance) => {
          context.report('meter', {
            meter,
            slotStartSeconds: startSeconds,
            measuredMilliWattHours: balance.measured.toString(),
            carriedMilliWattHours: balance.carried.toString(),
            inFlightMilliWattHours: balance.inFlight.toString(),
          });
        },
      }),
    openedAtOnce: CONCURRENT_ENROLMENTS,
  });
  context.report('ready', { meters: configs.length });
  return host;
}
