// SPDX-License-Identifier: Apache-2.0
import { fromHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto as crypto } from '../../protocol/crypto/sodium.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { reportedStart } from '../../protocol/schedule/windows.js';
import { openBulletin } from '../bulletin/open-bulletin.js';
import type { BulletinSource } from '../bulletin/reader.js';
import { enrolHub } from '../links/enrolment-client.js';
import type { LinkIdentity } from '../links/link-identity.js';
import type { PartyContext } from '../runtime/party.js';
import { untilReachable } from '../runtime/retry.js';
import type { TrustedBulletin } from '../bulletin/trusted-bulletin.js';
import type { ConsumerConfig } from './config.js';
import { HubFiles } from './state/hub-files.js';
import { Hub } from './hub.js';
import { hubIdentity, type HubIdentity } from './identity.js';
import { NO_SUMS, type HubState } from './state/state.js';

/** An enrolled hub and its link identity. */
export interface OpenedHub {
  readonly hub: Hub;
  readonly bulletin: TrustedBulletin;
  readonly link: LinkIdentity;
}

/**
 * Opens a hub's directory, and enrols the hub when it is new.
 *
 * @param source the bulletin; hubs of one host may share it
 * @param fileKey key of the sealed files, 32 bytes
 * @throws ClientError CONFIG_INVALID, ENROLMENT_REFUSED, VERIFICATION_FAILED, SEALED_INVALID
 */
export async function openHub(
  config: ConsumerConfig,
  source: BulletinSource,
  fileKey: Uint8Array,
  context: PartyContext,
): Promise<OpenedHub> {
  const { log, random } = context;
  const { region, fullCheckEvery, enrolmentSeed } = config;
  const files = new HubFiles(config, fileKey);
  const identity = hubIdentity(crypto, await files.secret(random, enrolmentSeed));
  const known = await files.state();

  const anchor = known?.trustAnchor ?? config.trustAnchor;
  const { bulletin } = await openBulletin(source, { region, trustAnchor: anchor, seed: enrolmentSeed }, log);

  const state = known ?? (await enrol(config, identity, bulletin, context));
  if (known === undefined) {
    await files.write(state);
  }
  const hub = new Hub(
    {
      ...{ crypto, identity, bulletin, region, fullCheckEvery, log },
      intervals: files.intervals,
      recent: new Map(),
      disputes: files.disputes,
      write: (next) => files.write(next),
    },
    state,
  );
  return { hub, bulletin, link: { key: identity.link, certificate: state.certificate } };
}

async function enrol(
  { controlCenter, enrolmentCode }: ConsumerConfig,
  identity: HubIdentity,
  { versions, trustAnchor }: TrustedBulletin,
  { clock, log }: PartyContext,
): Promise<HubState> {
  const { certificate } = await untilReachable(log, 'enrolment', () =>
    enrolHub(controlCenter, enrolmentCode, identity.link.publicKey, identity.price.publicKey),
  );
  return {
    certificate,
    trustAnchor: fromHex(trustAnchor!),
    nextSeconds: firstSealedAfter(versions[0]!.parameters, clock.nowMilliseconds() / 1000),
    previousSeals: undefined,
    suspectSeconds: undefined,
    open: [],
    seen: [],
    totals: [],
    offset: undefined,
    unpublishedSeconds: undefined,
    sums: NO_SUMS,
  };
}

/** s of the interval whose rows are being sent now, because the meter may be running already. */
function firstSealedAfter(first: Parameters, nowSeconds: number): number {
  return Math.max(reportedStart(first, nowSeconds), first.effectiveFromSeconds);
}
