// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fromHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto as crypto } from '../../protocol/crypto/sodium.js';
import { openBulletin } from '../bulletin/open-bulletin.js';
import type { BulletinSource } from '../bulletin/reader.js';
import { enrol } from '../links/enrolment-client.js';
import { linkKeyFromSeed, type LinkIdentity } from '../links/link-identity.js';
import type { PartyContext } from '../runtime/party.js';
import { untilReachable } from '../runtime/retry.js';
import { FileKey, nameOfCode } from '../runtime/sealed-file.js';
import type { TrustedBulletin } from '../bulletin/trusted-bulletin.js';
import type { MeterConfig } from './config.js';
import { RecordedReader } from '../readings/energy-reader.js';
import { enrolMeter, type EnrolmentParts } from './enrolment.js';
import { Meter } from './meter.js';
import { SealedMeterStore } from './store.js';

/** An enrolled meter and its link identity. */
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
 * @throws ClientError CONFIG_INVALID, ENROLMENT_REFUSED, VERIFICATION_FAILED, SEALED_INVALID, WRONG_PARTY; ReadingsError
 */
export async function openMeter(
  config: MeterConfig,
  source: BulletinSource,
  fileKey: Uint8Array,
  context: PartyContext,
): Promise<OpenedMeter> {
  const { clock, log, random } = context;
  const key = new FileKey(fileKey, 'meter', nameOfCode(config.enrolmentCode));
  const store = new SealedMeterStore(join(config.directory, 'meter.sealed'), key);
  const record = await store.read();
  const known = record !== undefined && 'state' in record ? record.state : undefined;

  const anchor = known?.trustAnchor ?? config.trustAnchor;
  const { bulletin, parameters } = await openBulletin(
    source,
    { region: config.region, trustAnchor: anchor, seed: config.enrolmentSeed },
    log,
  );

  const { file, household } = config.readings;
  const reader = await RecordedReader.fromFile(file, household, parameters.intervalSeconds);
  // The account begins with the recording at the earliest.
  const fromSeconds = Math.max(clock.nowMilliseconds() / 1000, reader.startSeconds);
  const trustAnchor = fromHex(bulletin.trustAnchor!);
  const pending = record !== undefined && 'pending' in record ? record.pending : undefined;
  const enrolment: EnrolmentParts = {
    ...{ crypto, random, store },
    code: config.enrolmentCode,
    seed: config.enrolmentSeed,
    send: (request, linkKey) => untilReachable(log, 'enrolment', () => enrol(config.controlCenter, request, linkKey)),
  };
  const state = known ?? (await enrolMeter(enrolment, { pending, parameters, trustAnchor, fromSeconds }));
  if ((await reader.energyOf(state.nextMeasureSeconds)) === undefined) {
    log.warn('no readings from now on: the meter sends filler only');
  }
  const meter = new Meter({ crypto, random, reader, store, bulletin, hub: config.hub, log }, state);
  const link = { key: linkKeyFromSeed(state.linkSeed), certificate: state.linkCertificate };
  return { meter, bulletin, link };
}
