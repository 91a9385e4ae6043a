// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { OnionKeys } from '../../protocol/onion/onion-keys.js';
import { BulletinWriter } from '../bulletin/writer.js';
import type { LedgerClient } from '../ledger/index.js';
import { LedgerWatch } from '../ledger/ledger-watch.js';
import { holdsKey } from '../links/connect.js';
import { selfIssuedIdentity } from '../links/link-identity.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { RegionLedger } from '../ledger/region-ledger.js';
import { Timers } from '../runtime/timers.js';
import { SealedStore } from '../runtime/sealed-store.js';
import { Turns } from '../runtime/turns.js';
import type { FileKey } from '../runtime/sealed-file.js';
import type { Center } from './parts.js';
import type { ControlCenterConfig } from './config.js';
import { Consumers } from './registration/consumers.js';
import { Descriptors } from './epochs/descriptors.js';
import { RelayAddresses, type Probe } from './registration/relay-addresses.js';
import { Relays } from './registration/relays.js';
import { Enrolment } from './registration/enrolment.js';
import { EnrolmentCodes } from './registration/enrolment-codes.js';
import { EpochCadence } from './epochs/epoch-cadence.js';
import { Epochs } from './epochs/epochs.js';
import { GroupCommit } from './intake/group-commit.js';
import { EnrolmentServer } from './public/enrolment-server.js';
import { Intake } from './intake/intake.js';
import { firstOnionSecret, loadControlCenterKeys } from './keys.js';
import { listenForRelays } from './intake/onion-exit.js';
import { NO_LOOPS, watchTier, type WatchedTier } from './intake/loops.js';
import { ParameterVersions } from './epochs/parameter-versions.js';
import { Roster } from './registration/roster.js';
import { IntakeState } from './intake/intake-state.js';
import { Intervals } from './intervals/intervals.js';
import { storeKey } from './store-keys.js';

/** The certificate of its link server is made at every start; peers know the key, not the certificate. */
const SERVER_CERTIFICATE_SECONDS = 366 * DAY_SECONDS;
const SERVER_CERTIFICATE_EARLY_SECONDS = DAY_SECONDS;

/** Inputs of a control center besides its configuration and context. */
export interface ControlCenterMeans {
  /** Seals the directory's files. */
  readonly fileKey: FileKey;
  /** Of the ledger, with the control center's identity; closed by the party's `stop`. */
  readonly client: LedgerClient;
  /** False for a control center that sends no loops, as in a test without relays. */
  readonly loops?: boolean;
  /** In place of a link to the relay, in a test without relays. */
  readonly probe?: Probe;
}

/**
 * Starts the control center in its directory. All work that a previous process left unfinished, also after a crash,
 * continues from the durable state.
 *
 * @throws ClientError CONFIG_INVALID, STATE_CONFLICT, SEALED_INVALID, WRONG_PARTY; ProtocolError for parameters that cannot be;
 *   LedgerError when the ledger refuses them
 */
export async function openControlCenter(
  config: ControlCenterConfig,
  context: PartyContext,
  means: ControlCenterMeans,
): Promise<RunningParty> {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  // It may fail before its caller awaits `ended`.
  failed.catch(() => undefined);
  const store = await SealedStore.open(join(config.directory, 'store'), means.fileKey, fail);
  try {
    return await assemble(config, context, means, { store, fail, failed });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The control center's store, and the end of the party when its own state fails. */
interface OwnState {
  readonly store: SealedStore;
  readonly fail: (error: unknown) => void;
  readonly failed: Promise<never>;
}

async function assemble(
  config: ControlCenterConfig,
  context: PartyContext,
  { fileKey, client, probe: givenProbe, loops: sendsLoops = true }: ControlCenterMeans,
  { store, fail, failed }: OwnState,
): Promise<RunningParty> {
  const { clock, random, report } = context;
  let finish: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (finish = resolve));
  const { directory, enrolmentSeed: seed } = config;
  const keys = await loadControlCenterKeys({ directory, fileKey, random, seed });
  const versions = await ParameterVersions.open(store, config, keys);
  const roster = await Roster.open(store);
  const consumers = await Consumers.open(store, config.region, config.serviceProvider.publicKey);
  const relays = await Relays.open(store, config.relays);
  const timers = new Timers(context);
  const nowSeconds = Math.floor(clock.nowMilliseconds() / 1_000);
  const identity = await selfIssuedIdentity(keys.link, {
    validFromSeconds: nowSeconds - SERVER_CERTIFICATE_EARLY_SECONDS,
    validUntilSeconds: nowSeconds + SERVER_CERTIFICATE_SECONDS,
  });
  const linkOptions = { identity, timers, random, addressOverrides: config.addressOverrides };
  const probe = givenProbe ?? ((target) => holdsKey(target, linkOptions));
  const addresses = await RelayAddresses.open(store, probe);
  const descriptors = new Descriptors({ store, relays, addresses, versions, log: context.log });
  const onionKeys = await loadOnionKeys(store, versions, () => firstOnionSecret(random, seed));
  const epochs = await Epochs.load({
    ...{ store, keys, onionKeys, versions, roster, consumers, descriptors },
    linkAddress: config.links.address,
  });
  const ledger = new RegionLedger(client, config.region);
  await ledger.untilAnswering(context.log);
  const center: Center = {
    ...context,
    timers,
    store,
    journal: new GroupCommit(store),
    keys,
    versions,
    epochs,
    registryTurns: new Turns(),
    ledger,
    watch: await LedgerWatch.start(client, ['pricing', 'billing'], fail),
    bulletin: await BulletinWriter.open(config.bulletin),
  };
  await versions.publish(ledger, center.bulletin, context.log);

  const state = new IntakeState(center);
  const intervals = new Intervals(center, state, fail);
  await intervals.restore();
  const intake = new Intake({ ...center, state, roster });
  const enrolment: Enrolment = new Enrolment({
    ...center,
    roster,
    consumers,
    relays,
    codes: new EnrolmentCodes(directory, fileKey, config.revokedCodes),
    nextEpoch: () => cadence.nextEpoch(),
  });
  const cadence = new EpochCadence(center, intervals, config.epochLeadSeconds, () => enrolment.excluded());

  const tier: WatchedTier = {
    ...{ ...context, timers: center.timers, identity, counter: state.counter },
    addressOverrides: config.addressOverrides,
    parameters: () => versions.at(clock.nowMilliseconds() / 1_000),
    directory: (epoch) => epochs.get(epoch)?.directory.directory,
  };
  const loops = sendsLoops ? watchTier(tier) : NO_LOOPS;
  const links = await listenForRelays({
    ...{ center, config, identity, intake, descriptors, loops },
    nextEpoch: () => cadence.nextEpoch(),
  });
  const enrolments = await EnrolmentServer.listen(directory, enrolment, center.timers, context.log);

  cadence.run().catch(fail);
  intervals.resume();
  report('ready', {
    linkPort: links.port,
    fingerprint: fingerprint(sodiumCrypto, keys.signing.publicKey),
  });

  return {
    ended: Promise.race([stopped, failed]),
    async stop() {
      // First: from here on the tasks fail because their ledger and store are closed, which is not a failure of the party.
      finish();
      client.close();
      center.timers.stop();
      await Promise.all([loops.close(), links.close(), enrolments.close()]);
      await center.bulletin.close();
      await center.journal.drain();
      await store.close();
    },
  };
}

async function loadOnionKeys(
  store: SealedStore,
  versions: ParameterVersions,
  firstSecret: () => Uint8Array,
): Promise<OnionKeys> {
  const stored = await store.get(storeKey.onion);
  if (stored !== undefined) {
    return OnionKeys.fromBytes(sodiumCrypto, stored);
  }
  const firstEpoch = epochOf(versions.first, versions.first.effectiveFromSeconds);
  const onionKeys = OnionKeys.first(sodiumCrypto, firstEpoch, firstSecret());
  await store.put(storeKey.onion, onionKeys.toBytes());
  return onionKeys;
}
