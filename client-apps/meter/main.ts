// SPDX-License-Identifier: Apache-2.0
import { HttpsBulletin, type BulletinSource } from '../bulletin/reader.js';
import { runHost } from '../runtime/host.js';
import { MemoBulletin } from '../bulletin/memo-bulletin.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { loadFileKey } from '../runtime/sealed-file.js';
import type { MeterConfig, MeterHostConfig } from './config.js';
import { MeterDaemon } from './daemon.js';
import { openMeter } from './open-meter.js';

export { meterConfig, meterHostConfig, type MeterConfig, type MeterHostConfig } from './config.js';

/** Starts one meter. See {@link startMeterHost} for its reports. */
export function startMeter(config: MeterConfig, context: PartyContext): Promise<RunningParty> {
  const { url, pin } = config.controlCenter;
  return run([config], new HttpsBulletin(url, pin), context);
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
  const source = new MemoBulletin(new HttpsBulletin(shared.controlCenter.url, shared.controlCenter.pin), context.clock);
  return run(
    meters.map((own) => ({ ...shared, ...own })),
    source,
    context,
  );
}

/**
 * Number of concurrent enrolments. The control center numbers meters in the order of enrolment, and in identity mode
 * `encryption` the number is part of every pseudonym: a seeded run needs the same order.
 */
const CONCURRENT_ENROLMENTS = 1;

async function run(
  configs: readonly MeterConfig[],
  source: BulletinSource,
  context: PartyContext,
): Promise<RunningParty> {
  const fileKey = await loadFileKey(process.env);
  const host = await runHost(context, {
    configs,
    source,
    open: (config) => openMeter(config, source, fileKey, context),
    begin: (opened, config, meter, onFailure) =>
      new MeterDaemon(opened, config, context, {
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
