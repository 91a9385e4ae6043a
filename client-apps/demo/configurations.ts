// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fromHex } from '../../protocol/crypto/bytes.js';
import { demoPairing } from '../consumer/main.js';
import { relayIdentity, relayKeysFrom } from '../relay/keys.js';
import type { LedgerAccess } from './ledgers/demo-ledger.js';
import type { Plan } from './plan.js';
import { enrolmentSeed } from './seeds.js';
import { CENTER_NAME, directoryName, HOST, type RelayPlace, type RunAddresses } from './addresses.js';

/** Hubs that do a full check in an interval, in turns; the others check the signatures of their own rows. */
const FULL_CHECKS_PER_INTERVAL = 5;
/** Capacities of a relay, in packets: a demo's tier carries few, and tables are allocated at the start. */
const REPLAY_CAPACITY = 1 << 20;
const POOL_CAPACITY = 1 << 16;

/** Identity of the control center. */
export interface CenterIdentity {
  /** Pin of its link server. */
  readonly linkPin: string;
  /** Fingerprint of its signature key: the trust anchor. */
  readonly fingerprint: string;
}

/** Public facts of the control center for other parties: its identity, and that of the bulletin server in front of it. */
export type PublicIdentity = CenterIdentity & {
  /** Pin of the bulletin server. */
  readonly bulletinPin: string;
};

/** Public identity of the service provider. */
export interface ProviderIdentity {
  readonly publicKey: string;
  readonly signaturePublicKey: string;
}

/** Facts from which all configurations of a run are made. */
export interface RunFacts {
  readonly seed: string;
  readonly region: string;
  readonly plan: Plan;
  readonly addresses: RunAddresses;
}

/** Configuration of the service provider. Without `rest` it suffices for creating its keys. */
export function serviceProviderConfiguration(
  { seed, region }: RunFacts,
  directory: string,
  rest?: {
    readonly ledger: LedgerAccess & { readonly controlCenterMspId: string };
    readonly center: CenterIdentity;
  },
): object {
  return {
    directory,
    region,
    enrolmentSeed: enrolmentSeed(seed, 'service provider'),
    ...(rest === undefined ? {} : { ledger: rest.ledger, trustAnchor: rest.center.fingerprint }),
  };
}

/** Configuration of the control center. Without `rest` it suffices for creating its keys. */
export function controlCenterConfiguration(
  { seed, region, plan, addresses }: RunFacts,
  directory: string,
  rest?: {
    readonly out: string;
    readonly ledger: LedgerAccess;
    readonly provider: ProviderIdentity & { readonly mspId: string };
    readonly tariffSignature: string;
    /** Relays that its operator admits. */
    readonly admitted: readonly RelayPlace[];
  },
): object {
  const keys = { directory, region, enrolmentSeed: enrolmentSeed(seed, 'control center') };
  if (rest === undefined) {
    return keys;
  }
  return {
    ...keys,
    bulletin: rest.out,
    ledger: rest.ledger,
    links: { host: HOST, port: addresses.linkPort, address: CENTER_NAME },
    parameters: [{ ...plan.settings, tariffSignature: rest.tariffSignature }],
    serviceProvider: rest.provider,
    relays: rest.admitted.map((place) => admission(seed, place)),
    addressOverrides: addresses.addressOverrides,
    epochLeadSeconds: plan.epochLeadSeconds,
  };
}

/** Configuration of the bulletin server. @param directories its own, the bulletin, and the control center's */
export function bulletinServerConfiguration(
  { addresses }: RunFacts,
  directories: { readonly own: string; readonly out: string; readonly controlCenter: string },
): object {
  return {
    directory: directories.own,
    bulletin: directories.out,
    listen: { host: HOST, port: addresses.bulletinPort },
    enrolmentSocket: join(directories.controlCenter, 'enrolment.sock'),
  };
}

/** Output of `gridveil relay descriptor`; in a demo it follows from the relay's seed. */
function admission(seed: string, { name, layer }: RelayPlace): object {
  return {
    ...relayIdentity(relayKeysFrom(fromHex(enrolmentSeed(seed, name)))),
    operator: name,
    layer,
    address: directoryName(name),
  };
}

/** Configuration of a relay. @param enrolmentCode for a household's relay, which the control center places */
export function relayConfiguration(
  { seed, region, addresses }: RunFacts,
  place: RelayPlace,
  center: PublicIdentity,
  { directory, enrolmentCode }: { readonly directory: string; readonly enrolmentCode?: string },
): object {
  const address = directoryName(place.name);
  return {
    directory,
    region,
    ...(enrolmentCode === undefined ? { operator: place.name, layer: place.layer } : { enrolmentCode }),
    links: { host: HOST, port: place.port, address },
    controlCenter: { ...publicAddress(addresses, center), linkAddress: CENTER_NAME, linkPin: center.linkPin },
    trustAnchor: center.fingerprint,
    addressOverrides: addresses.addressOverrides,
    replayCapacity: REPLAY_CAPACITY,
    poolCapacity: POOL_CAPACITY,
    enrolmentSeed: enrolmentSeed(seed, place.name),
  };
}

/** Configuration of the meters' host. The pairing of each hub follows from the hub's seed. */
export function meterHostConfiguration(
  facts: RunFacts,
  directory: string,
  center: PublicIdentity,
  households: readonly { readonly id: string; readonly readingsFile: string; readonly code: string }[],
): object {
  const { seed, addresses } = facts;
  return {
    ...sharedByHousehold(facts, center),
    meters: households.map(({ id, readingsFile, code }, index) => ({
      directory: join(directory, String(index)),
      enrolmentCode: code,
      readings: { file: readingsFile, household: id },
      hub: demoPairing(fromHex(hubSeed(seed, index)), addresses.mailboxRelay),
      enrolmentSeed: enrolmentSeed(seed, `meter ${index}`),
    })),
  };
}

/** Configuration of the hubs' host, in the order of the meters. */
export function consumerHostConfiguration(
  facts: RunFacts,
  directory: string,
  center: PublicIdentity,
  codes: readonly string[],
): object {
  return {
    ...sharedByHousehold(facts, center),
    mailboxRelay: facts.addresses.mailboxRelay,
    fullCheckEvery: Math.max(1, Math.floor(codes.length / FULL_CHECKS_PER_INTERVAL)),
    hubs: codes.map((enrolmentCode, index) => ({
      directory: join(directory, String(index)),
      enrolmentCode,
      enrolmentSeed: hubSeed(facts.seed, index),
    })),
  };
}

function sharedByHousehold({ region, addresses }: RunFacts, center: PublicIdentity): object {
  return {
    region,
    controlCenter: publicAddress(addresses, center),
    trustAnchor: center.fingerprint,
    addressOverrides: addresses.addressOverrides,
  };
}

function publicAddress({ bulletinPort }: RunAddresses, { bulletinPin }: PublicIdentity): { url: string; pin: string } {
  return { url: `https://${HOST}:${bulletinPort}`, pin: bulletinPin };
}

function hubSeed(seed: string, index: number): string {
  return enrolmentSeed(seed, `hub ${index}`);
}
