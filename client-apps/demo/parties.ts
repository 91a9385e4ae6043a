// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLongCsv } from '../readings/long-csv.js';
import type { Readings } from '../readings/readings.js';
import type { Cast } from './processes/cast.js';
import type { Child } from './processes/child.js';
import {
  consumerHostConfiguration,
  controlCenterConfiguration,
  meterHostConfiguration,
  relayConfiguration,
  serviceProviderConfiguration,
  type CenterIdentity,
  type ProviderIdentity,
  type RunFacts,
} from './configurations.js';
import type { DemoLedger } from './ledgers/demo-ledger.js';
import type { Home, Premises } from './premises.js';

/** What the parties are set up with. */
export interface Stage {
  readonly facts: RunFacts;
  readonly readings: Readings;
  /** The bulletin's directory. */
  readonly out: string;
  readonly premises: Premises;
  readonly cast: Cast;
  /** Meters and hubs are the relays. */
  readonly householdRelays: boolean;
  /** Where the relays write traces. */
  readonly unsafeTrace?: string | undefined;
}

/** Everybody's folder with a complete configuration, and what the world must know to check the run. */
export interface Parties {
  readonly center: CenterIdentity;
  readonly homes: {
    readonly controlCenter: Home;
    readonly serviceProvider: Home;
    readonly relays: readonly Home[];
    readonly meters: Home;
    readonly hubs: Home;
  };
  /** Configurations of the relays that meters and hubs are too. */
  readonly relayFiles: { readonly meters: readonly string[]; readonly hubs: readonly string[] };
}

/**
 * Does by machine what people do once before a region begins: public keys and a signed tariff go to the control center,
 * relays are admitted, each household gets its two codes. Nobody's secret leaves its folder.
 */
export async function introduce(stage: Stage, ledger: Promise<DemoLedger>): Promise<Parties> {
  const { facts, premises, out } = stage;
  const [{ serviceProvider, provider, tariffSignature }, { controlCenter, center, codes }] = await Promise.all([
    askServiceProvider(stage),
    askControlCenter(stage),
  ]);
  const admitted = stage.householdRelays ? [] : facts.site.relays;
  const relays = await Promise.all(
    admitted.map(async (place) => {
      const home = await premises.settle(place.name);
      await home.configure(relayConfiguration(facts, home.directory, place, center));
      return home;
    }),
  );
  const meters = await settleMeters(stage, center, codes.meter);
  const hubs = await premises.settle('hubs');
  await hubs.configure(consumerHostConfiguration(facts, hubs.directory, center, codes.hub));

  const { access, roles } = await ledger;
  await serviceProvider.configure(
    serviceProviderConfiguration(facts, serviceProvider.directory, {
      ledger: { ...access(roles.serviceProvider), controlCenterMspId: roles.controlCenter },
      center,
    }),
  );
  await controlCenter.configure(
    controlCenterConfiguration(facts, controlCenter.directory, {
      out,
      ledger: access(roles.controlCenter),
      provider: { ...provider, mspId: roles.serviceProvider },
      tariffSignature,
      admitted,
    }),
  );
  const half = codes.relay.length / 2;
  const relayFiles = {
    meters: await configureRelays(stage, meters, center, codes.relay.slice(0, half), 0),
    hubs: await configureRelays(stage, hubs, center, codes.relay.slice(half), half),
  };
  return { center, homes: { controlCenter, serviceProvider, relays, meters, hubs }, relayFiles };
}

/** Starts all parties. The control center comes first: the others enrol with it. */
export async function startParties(
  { cast, unsafeTrace }: Stage,
  { homes, relayFiles }: Parties,
): Promise<{ readonly meters: Child; readonly hubs: Child }> {
  const traced = unsafeTrace === undefined ? [] : ['--unsafe-trace', unsafeTrace];
  await cast.start(homes.controlCenter.spec('control-center', 'run'));
  const relayOptions = (files: readonly string[]): string[] => files.flatMap((file) => ['--relay', file]);
  const meters = cast.start(homes.meters.spec('meter', 'host', ...relayOptions(relayFiles.meters)));
  // The control center places relays as they come: a seeded run gives the same directory only in the same order.
  if (relayFiles.meters.length > 0) {
    await meters;
  }
  const [{ child: meterHost }, { child: hubHost }] = await Promise.all([
    meters,
    cast.start(homes.hubs.spec('consumer', 'host', ...relayOptions(relayFiles.hubs))),
    cast.start(homes.serviceProvider.spec('service-provider', 'run')),
    ...homes.relays.map((relay) => cast.start(relay.spec('relay', 'run', ...traced))),
  ]);
  return { meters: meterHost, hubs: hubHost };
}

async function askServiceProvider({ facts, premises }: Stage) {
  const serviceProvider = await premises.settle('service-provider');
  await serviceProvider.configure(serviceProviderConfiguration(facts, serviceProvider.directory));
  const provider = (await serviceProvider.ask('service-provider', 'identity')) as ProviderIdentity;
  const tariffFile = await serviceProvider.write('tariff.json', facts.plan.settings.tariff);
  const proposal = await serviceProvider.ask('service-provider', 'tariff', tariffFile);
  const { tariffSignature } = proposal as { tariffSignature: string };
  return { serviceProvider, provider, tariffSignature };
}

async function askControlCenter({ facts, premises, readings, householdRelays }: Stage) {
  const controlCenter = await premises.settle('control-center');
  await controlCenter.configure(controlCenterConfiguration(facts, controlCenter.directory));
  const center = (await controlCenter.ask('control-center', 'identity')) as CenterIdentity;
  const codesFor = async (role: 'meter' | 'hub' | 'relay', count: number): Promise<string[]> => {
    const made = await controlCenter.ask('control-center', 'codes', '--role', role, '--count', String(count));
    return (made as { codes: string[] }).codes;
  };
  const households = readings.households.length;
  const codes = {
    meter: await codesFor('meter', households),
    hub: await codesFor('hub', households),
    relay: householdRelays ? await codesFor('relay', facts.site.relays.length) : [],
  };
  return { controlCenter, center, codes };
}

/** Relays of households, one for each code; their places in the site begin with the `first`. */
function configureRelays(
  { facts }: Stage,
  home: Home,
  center: CenterIdentity,
  codes: readonly string[],
  first: number,
): Promise<string[]> {
  return Promise.all(
    codes.map((code, index) => {
      const place = facts.site.relays[first + index]!;
      const directory = join(home.root, place.name);
      return home.write(`${place.name}.json`, relayConfiguration(facts, directory, place, center, code));
    }),
  );
}

/** Every meter gets a file with its own readings and nobody else's. */
async function settleMeters(stage: Stage, center: CenterIdentity, codes: readonly string[]): Promise<Home> {
  const { facts, readings, premises } = stage;
  const home = await premises.settle('meters');
  const folder = join(home.root, 'readings');
  await mkdir(folder, { mode: 0o700 });
  const households = await Promise.all(
    readings.households.map(async ({ id }, index) => {
      const readingsFile = join(folder, `${index}.csv`);
      await writeFile(readingsFile, writeLongCsv(readings, index), { mode: 0o600 });
      return { id, readingsFile, code: codes[index]! };
    }),
  );
  await home.configure(meterHostConfiguration(facts, home.directory, center, households));
  return home;
}
