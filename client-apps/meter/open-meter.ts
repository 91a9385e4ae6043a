// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fromHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto as crypto } from '../../protocol/crypto/sodium.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { openBulletin } from '../bulletin/open-bulletin.js';
import type { BulletinSource } from '../bulletin/reader.js';
import { enrol } from '../links/enrolment-client.js';
import { linkKeyFromSeed, type LinkIdentity } from '../links/link-identity.js';
import type { PartyContext } from '../runtime/party.js';
import { untilReachable } from '../runtime/retry.js';
import type { TrustedBulletin } from '../bulletin/trusted-bulletin.js';
import type { MeterConfig } from './config.js';
import { RecordedReader } from '../readings/energy-reader.js';
import { enrolMeter } from './enrolment.js';
import { Meter } from './meter.js';
import type { MeterState } from './state.js';
import { SealedMeterStore, type MeterStore } from './store.js';

/** An enrolled meter and what it is known by on its links. */
export interface OpenedMeter {
  readonly meter: Meter;
  readonly bulletin: TrustedBulletin;
  readonly link: LinkIdentity;
}

/**
 * Opens a meter's directory, and enrols the meter when it is new.
 *
 * @param source the bulletin; meters of one host may share it
 * @param fileKey key of the sealed file, 32 bytes
 * @throws ClientError CONFIG_INVALID, ENROLMENT_REFUSED, VERIFICATION_FAILED, SEALED_INVALID; ReadingsError
 */
export async function openMeter(
  config: MeterConfig,
  source: BulletinSource,
  fileKey: Uint8Array,
  context: PartyContext,
): Promise<OpenedMeter> {
  const { clock, log, random } = context;
  const store = new SealedMeterStore(join(config.directory, 'meter.sealed'), fileKey);
  const record = await store.read();
  const known = record !== undefined && 'state' in record ? record.state : undefined;

  const anchor = known?.trustAnchor ?? config.trustAnchor;
  const { bulletin, parameters } = await openBulletin(source, config.region, anchor, config.enrolmentSeed, log);

  const { file, household } = config.readings;
  const reader = await RecordedReader.fromFile(file, household, parameters.intervalSeconds);
  // What was not recorded cannot be reported: the account begins with the recording.
  const fromSeconds = Math.max(clock.nowMilliseconds() / 1000, reader.startSeconds);
  const trustAnchor = fromHex(bulletin.trustAnchor!);
  const state = known ?? (await enrolNew(config, store, parameters, trustAnchor, fromSeconds, context));
  if ((await reader.energyOf(state.nextMeasureSeconds)) === undefined) {
    log.warn('the readings hold nothing from now on: the meter sends filler only');
  }
  const meter = new Meter({ crypto, random, reader, store, bulletin, hub: config.hub, log }, state);
  const link = { key: linkKeyFromSeed(state.linkSeed), certificate: state.linkCertificate };
  return { meter, bulletin, link };
}

async function enrolNew(
  config: MeterConfig,
  store: MeterStore,
  parameters: Parameters,
  trustAnchor: Uint8Array,
  fromSeconds: number,
  { log, random }: PartyContext,
): Promise<MeterState> {
  const record = await store.read();
  return enrolMeter(
    {
      crypto,
      random,
      store,
      code: config.enrolmentCode,
      seed: config.enrolmentSeed,
      send: (request, linkKey) => untilReachable(log, 'enrolment', () => enrol(config.controlCenter, request, linkKey)),
    },
    record !== undefined && 'pending' in record ? record.pending : undefined,
    parameters,
    trustAnchor,
    fromSeconds,
  );
}
