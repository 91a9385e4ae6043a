// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { HttpsBulletin, type BulletinSource } from '../bulletin/reader.js';
import { ClientError } from '../runtime/errors.js';
import { runHost } from '../runtime/host.js';
import { MemoBulletin } from '../bulletin/memo-bulletin.js';
import type { HubPairingJson } from '../links/pairing.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { loadFileKey } from '../runtime/sealed-file.js';
import type { ConsumerConfig, ConsumerHostConfig } from './config.js';
import { HubDaemon } from './daemon.js';
import type { Dispute } from './state/disputes.js';
import { HubFiles } from './state/hub-files.js';
import { demoHubSecret, hubIdentity, pairingOf } from './identity.js';
import { openHub } from './open-hub.js';
import { householdSummary, type HouseholdSummary } from './summary.js';

export { consumerConfig, consumerHostConfig, type ConsumerConfig, type ConsumerHostConfig } from './config.js';
export type { Dispute } from './state/disputes.js';
export type { HouseholdSummary } from './summary.js';

/** Starts one hub. See {@link startConsumerHost} for its reports. */
export function startConsumer(config: ConsumerConfig, context: PartyContext): Promise<RunningParty> {
  const { url, pin } = config.controlCenter;
  return run([config], new HttpsBulletin(url, pin), context);
}

/**
 * Starts many hubs in one process. They share downloads of the bulletin and nothing else.
 *
 * Reports: `ready` `{ consumers }` when all are enrolled and scheduled; `consumer` after every slot of each hub:
 * `{ consumer, slotStartSeconds, intervals, fullChecks, rows, unpublished, disputes, onLedgerMilliWattHours,
 * billedNanoCurrency }`, where `consumer` is the position in the configuration, `intervals` counts those verified
 * without a fault, and amounts are decimal strings.
 *
 * @throws ClientError CONFIG_INVALID, KEY_FILE, DIRECTORY_LOCKED, ENROLMENT_REFUSED, VERIFICATION_FAILED, SEALED_INVALID
 */
export function startConsumerHost(config: ConsumerHostConfig, context: PartyContext): Promise<RunningParty> {
  const { hubs, ...shared } = config;
  const { url, pin } = shared.controlCenter;
  const source = new MemoBulletin(new HttpsBulletin(url, pin), context.clock);
  return run(
    hubs.map((own) => ({ ...shared, ...own })),
    source,
    context,
  );
}

/** Returns a hub's pairing for its meter's configuration; creates the hub's secret on first use. */
export async function readPairing(config: ConsumerConfig, random: RandomSource): Promise<HubPairingJson> {
  const files = await filesOf(config);
  const secret = await files.secret(random, config.enrolmentSeed);
  return pairingOf(hubIdentity(sodiumCrypto, secret), config.mailboxRelay);
}

/** Returns the pairing of a demo's hub from its seed, without opening its directory. */
export function demoPairing(enrolmentSeed: Uint8Array, mailboxRelay: string): HubPairingJson {
  return pairingOf(hubIdentity(sodiumCrypto, demoHubSecret(enrolmentSeed)), mailboxRelay);
}

/** Reads the household's summary. @throws ClientError WRONG_STATE before the hub is enrolled; SEALED_INVALID */
export async function readSummary(config: ConsumerConfig): Promise<HouseholdSummary> {
  const files = await filesOf(config);
  const state = await files.state();
  if (state === undefined) {
    throw new ClientError('WRONG_STATE', 'the hub is not enrolled');
  }
  return householdSummary(state, files.intervals.all());
}

/** Handles of a household's verified rows, and its trust anchor. */
export interface OwnRows {
  /** Pseudonyms A of the verified rows, in hex, in the order of the intervals. */
  readonly handles: Iterable<string>;
  /** Fingerprint of the control center's first key, which the hub has trusted since its enrolment. */
  readonly trustAnchor: string | undefined;
}

/** Reads the handles of a hub's verified rows. @throws ClientError KEY_FILE, SEALED_INVALID */
export async function readOwnRows(config: ConsumerConfig): Promise<OwnRows> {
  const files = await filesOf(config);
  const anchor = (await files.state())?.trustAnchor ?? config.trustAnchor;
  const handles: string[] = [];
  for await (const { rows } of files.intervals.all()) {
    handles.push(...rows.map(({ pseudonym }) => toHex(pseudonym)));
  }
  return { handles, trustAnchor: anchor && toHex(anchor) };
}

/** Reads a hub's disputes, by interval; their evidence is in folders beside them. */
export async function readDisputes(config: ConsumerConfig): Promise<Dispute[]> {
  return (await filesOf(config)).disputes.list();
}

async function filesOf(config: ConsumerConfig): Promise<HubFiles> {
  return new HubFiles(config, await loadFileKey(process.env));
}

async function run(
  configs: readonly ConsumerConfig[],
  source: BulletinSource,
  context: PartyContext,
): Promise<RunningParty> {
  const fileKey = await loadFileKey(process.env);
  const host = await runHost(context, {
    configs,
    source,
    open: (config) => openHub(config, source, fileKey, context),
    begin: (opened, config, consumer, onFailure) =>
      new HubDaemon(opened, config, context, {
        onFailure,
        onSlot: ({ startSeconds }, sums) => {
          context.report('consumer', {
            consumer,
            slotStartSeconds: startSeconds,
            ...sums,
            onLedgerMilliWattHours: sums.onLedgerMilliWattHours.toString(),
            billedNanoCurrency: sums.billedNanoCurrency.toString(),
          });
        },
      }),
  });
  context.report('ready', { consumers: configs.length });
  return host;
}
