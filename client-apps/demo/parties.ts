// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLongCsv } from '../readings/long-csv.js';
import type { Readings } from '../readings/readings.js';
import type { ProcessGroup } from './processes/process-group.js';
import type { Child } from './processes/child.js';
import {
  bulletinServerConfiguration,
  consumerHostConfiguration,
  controlCenterConfiguration,
  meterHostConfiguration,
  relayConfiguration,
  serviceProviderConfiguration,
  type CenterIdentity,
  type ProviderIdentity,
  type PublicIdentity,
  type RunFacts,
} from './configurations.js';
import type { RelayPlace } from './addresses.js';
import type { DemoLedger } from './ledgers/demo-ledger.js';
import type { PartyDirectory, RunDirectory } from './run-directory.js';

/** Everything that the steps of a run share. */
export interface RunContext {
  readonly facts: RunFacts;
  readonly readings: Readings;
  /** The bulletin's directory. */
  readonly out: string;
  readonly runDirectory: RunDirectory;
  readonly processes: ProcessGroup;
  /** Whether the relays run inside meters and hubs. */
  readonly householdRelays: boolean;
  /** Directory of the relays' traces. */
  readonly unsafeTrace?: string | undefined;
}

/** Directories of all parties with complete configurations, and the trust anchor of the run. */
export interface Parties {
  readonly center: CenterIdentity;
  readonly directories: {
    readonly controlCenter: PartyDirectory;
    readonly bulletinServer: PartyDirectory;
    readonly serviceProvider: PartyDirectory;
    readonly relays: readonly PartyDirectory[];
    readonly meters: PartyDirectory;
    readonly hubs: PartyDirectory;
  };
  /** Configuration files of the relays inside meters and hubs. */
  readonly relayFiles: { readonly meters: readonly string[]; readonly hubs: readonly string[] };
}

/**
 * Does what operators and households do once before a region begins: public keys and a signed tariff go to the control
 * center, relays are admitted, each household gets its two codes. No secret leaves its party's directory.
 */
export async function provisionParties(context: RunContext, ledger: Promise<DemoLedger>): Promise<Parties> {
  const { facts, runDirectory, out } = context;
  const [{ serviceProvider, provider, tariffSignature }, { controlCenter, identity, codes }] = await Promise.all([
    provisionServiceProvider(context),
    provisionControlCenter(context),
  ]);
  const { bulletinServer, bulletinPin } = await provisionBulletinServer(context, controlCenter);
  const center: PublicIdentity = { ...identity, bulletinPin };
  const admitted = context.householdRelays ? [] : facts.addresses.relays;
  const relays = await Promise.all(
    admitted.map(async (place) => {
      const partyDirectory = await runDirectory.createPartyDirectory(place.name);
      await partyDirectory.configure(
        relayConfiguration(facts, place, center, { directory: partyDirectory.stateDirectory }),
      );
      return partyDirectory;
    }),
  );
  const meters = await provisionMeters(context, center, codes.meter);
  const hubs = await runDirectory.createPartyDirectory('hubs');
  await hubs.configure(consumerHostConfiguration(facts, hubs.stateDirectory, center, codes.hub));

  const { access, roles } = await ledger;
  await serviceProvider.configure(
    serviceProviderConfiguration(facts, serviceProvider.stateDirectory, {
      ledger: { ...access(roles.serviceProvider), controlCenterMspId: roles.controlCenter },
      center,
    }),
  );
  await controlCenter.configure(
    controlCenterConfiguration(facts, controlCenter.stateDirectory, {
      out,
      ledger: access(roles.controlCenter),
      provider: { ...provider, mspId: roles.serviceProvider },
      tariffSignature,
      admitted,
    }),
  );
  const half = codes.relay.length / 2;
  const households = codes.relay.map((code, index) => ({ place: facts.addresses.relays[index]!, code }));
  const relayFiles = {
    meters: await configureRelays(facts, meters, center, households.slice(0, half)),
    hubs: await configureRelays(facts, hubs, center, households.slice(half)),
  };
  return { center, directories: { controlCenter, bulletinServer, serviceProvider, relays, meters, hubs }, relayFiles };
}

/** Starts all parties, the control center and the bulletin server first because the others enrol with them. */
export async function startParties(
  { processes, unsafeTrace }: RunContext,
  { directories, relayFiles }: Parties,
): Promise<{ readonly meters: Child; readonly hubs: Child }> {
  const traced = unsafeTrace === undefined ? [] : ['--unsafe-trace', unsafeTrace];
  await processes.start(directories.controlCenter.spec('control-center', 'run'));
  await processes.start(directories.bulletinServer.spec('bulletin', 'serve'));
  const relayOptions = (files: readonly string[]): string[] => files.flatMap((file) => ['--relay', file]);
  const meters = processes.start(directories.meters.spec('meter', 'host', ...relayOptions(relayFiles.meters)));
  // The control center places relays in the order of their enrolment, which must be the same in every seeded run.
  if (relayFiles.meters.length > 0) {
    await meters;
  }
  const [{ child: meterHost }, { child: hubHost }] = await Promise.all([
    meters,
    processes.start(directories.hubs.spec('consumer', 'host', ...relayOptions(relayFiles.hubs))),
    processes.start(directories.serviceProvider.spec('service-provider', 'run')),
    ...directories.relays.map((relay) => processes.start(relay.spec('relay', 'run', ...traced))),
  ]);
  return { meters: meterHost, hubs: hubHost };
}

async function provisionServiceProvider({ facts, runDirectory }: RunContext) {
  const serviceProvider = await runDirectory.createPartyDirectory('service-provider');
  await serviceProvider.configure(serviceProviderConfiguration(facts, serviceProvider.stateDirectory));
  const provider = (await serviceProvider.ask('service-provider', 'identity')) as ProviderIdentity;
  const tariffFile = await serviceProvider.write('tariff.json', facts.plan.settings.tariff);
  const proposal = await serviceProvider.ask('service-provider', 'tariff', tariffFile);
  const { tariffSignature } = proposal as { tariffSignature: string };
  return { serviceProvider, provider, tariffSignature };
}

async function provisionControlCenter({ facts, runDirectory, readings, householdRelays }: RunContext) {
  const controlCenter = await runDirectory.createPartyDirectory('control-center');
  await controlCenter.configure(controlCenterConfiguration(facts, controlCenter.stateDirectory));
  const identity = (await controlCenter.ask('control-center', 'identity')) as CenterIdentity;
  const codesFor = async (role: 'meter' | 'hub' | 'relay', count: number): Promise<string[]> => {
    const made = await controlCenter.ask('control-center', 'codes', '--role', role, '--count', String(count));
    return (made as { codes: string[] }).codes;
  };
  const households = readings.households.length;
  const codes = {
    meter: await codesFor('meter', households),
    hub: await codesFor('hub', households),
    relay: householdRelays ? await codesFor('relay', facts.addresses.relays.length) : [],
  };
  return { controlCenter, identity, codes };
}

async function provisionBulletinServer({ facts, runDirectory, out }: RunContext, controlCenter: PartyDirectory) {
  const bulletinServer = await runDirectory.createPartyDirectory('bulletin-server');
  const directories = { own: bulletinServer.stateDirectory, out, controlCenter: controlCenter.stateDirectory };
  await bulletinServer.configure(bulletinServerConfiguration(facts, directories));
  const { pin } = (await bulletinServer.ask('bulletin', 'identity')) as { pin: string };
  return { bulletinServer, bulletinPin: pin };
}

/** Configures households' relays in the directory of their host. */
function configureRelays(
  facts: RunFacts,
  partyDirectory: PartyDirectory,
  center: PublicIdentity,
  relays: readonly { readonly place: RelayPlace; readonly code: string }[],
): Promise<string[]> {
  return Promise.all(
    relays.map(({ place, code }) => {
      const directory = join(partyDirectory.root, place.name);
      return partyDirectory.write(
        `${place.name}.json`,
        relayConfiguration(facts, place, center, { directory, enrolmentCode: code }),
      );
    }),
  );
}

/** Writes the meters' configuration, and for each meter a file with its own readings only. */
async function provisionMeters(
  context: RunContext,
  center: PublicIdentity,
  codes: readonly string[],
): Promise<PartyDirectory> {
  const { facts, readings, runDirectory } = context;
  const partyDirectory = await runDirectory.createPartyDirectory('meters');
  const folder = join(partyDirectory.root, 'readings');
  await mkdir(folder, { mode: 0o700 });
  const households = await Promise.all(
    readings.households.map(async ({ id }, index) => {
      const readingsFile = join(folder, `${index}.csv`);
      await writeFile(readingsFile, writeLongCsv(readings, index), { mode: 0o600 });
      return { id, readingsFile, code: codes[index]! };
    }),
  );
  await partyDirectory.configure(meterHostConfiguration(facts, partyDirectory.stateDirectory, center, households));
  return partyDirectory;
}
