// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { TopologyError } from './errors.js';

const name = z.string().regex(/^[A-Za-z][A-Za-z0-9.-]{0,62}$/);
/** A directory and a host name: what cryptogen calls Domain. */
const domain = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/);
const port = z.number().int().min(1).max(65_535);

const peer = z.object({ name: domain, host: z.string().min(1), port });
const organization = z.object({
  name,
  mspId: name,
  domain,
  users: z.number().int().min(0).max(100),
  peers: z.array(peer),
});
const ordererOrganization = z.object({
  name,
  mspId: name,
  domain,
  orderers: z.array(z.object({ name: domain, host: z.string().min(1), port })),
});

/** Fabric's own rule for channel names, which are also database keys here. */
const channelName = z.string().regex(/^[a-z][a-z0-9.-]{0,248}$/);
/** Fabric's own rule for chaincode names. */
const chaincodeName = z.string().regex(/^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$/);

const topologySchema = z
  .object({
    organizations: z.array(organization).min(1),
    ordering: z.object({
      maxMessageCount: z.number().int().min(1),
      absoluteMaxBytes: z.number().int().min(1),
      preferredMaxBytes: z.number().int().min(1),
      organizations: z.array(ordererOrganization).min(1),
      consenters: z.object({ raft: z.array(z.string()).min(1) }),
    }),
    channels: z.array(z.object({ name: channelName, members: z.array(name).min(1) })).min(1),
    /** MSP ids of the organisations that the parties belong to; two parties may share one. */
    roles: z.object({ controlCenter: name, serviceProvider: name, consumers: name }),
    policies: z.object({ endorsement: z.string(), lifecycle: z.string(), admins: z.string() }),
    chaincodes: z.array(z.object({ name: chaincodeName, channel: channelName, contract: z.string().min(1) })),
    embedded: z.object({ batchTimeoutMilliseconds: z.number().int().min(1) }),
    gateway: z.object({ concurrency: z.number().int().min(1) }),
  })
  .superRefine((topology, context) => {
    const mspIds = new Set(topology.organizations.map(({ mspId }) => mspId));
    for (const channel of topology.channels) {
      for (const member of channel.members.filter((mspId) => !mspIds.has(mspId))) {
        context.addIssue({ code: 'custom', message: `channel ${channel.name}: no organisation has MSP id ${member}` });
      }
    }
    for (const [role, mspId] of Object.entries(topology.roles).filter(([, id]) => !mspIds.has(id))) {
      context.addIssue({ code: 'custom', message: `role ${role}: no organisation has MSP id ${mspId}` });
    }
    const channels = new Set(topology.channels.map((channel) => channel.name));
    for (const chaincode of topology.chaincodes.filter(({ channel }) => !channels.has(channel))) {
      context.addIssue({ code: 'custom', message: `chaincode ${chaincode.name}: no channel ${chaincode.channel}` });
    }
  });

/** The part of `network/topology.json` that is read here; `fabric/lib/topology.mjs` reads the rest for Fabric's tools. */
export type Topology = z.infer<typeof topologySchema>;
export type Organization = Topology['organizations'][number];
export type OrdererOrganization = Topology['ordering']['organizations'][number];
export type ChannelDefinition = Topology['channels'][number];
export type Roles = Topology['roles'];

const HERE = dirname(fileURLToPath(import.meta.url));

/** The folder `network/` of this checkout, from source and from `dist/` alike: its JSON files and scripts are not compiled. */
export const NETWORK_FOLDER = HERE.includes(join('dist', 'network'))
  ? resolve(HERE, '..', '..', '..', 'network')
  : resolve(HERE, '..');

/** Path of the topology in use: the file that `GRIDVEIL_TOPOLOGY` names, by default `network/topology.json`. */
export function defaultTopologyPath(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return environment['GRIDVEIL_TOPOLOGY'] ?? join(NETWORK_FOLDER, 'topology.json');
}

/**
 * Reads and checks a topology; reports all faults at once.
 * @throws TopologyError `CONFIG_INVALID`
 */
export function readTopology(path: string): Topology {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new TopologyError('CONFIG_INVALID', `${path} is not a readable JSON file`, { cause });
  }
  const parsed = topologySchema.safeParse(json);
  if (!parsed.success) {
    throw new TopologyError('CONFIG_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** The organisation whose key signs blocks: the one of the first raft consenter. */
export function blockSigner({ ordering }: Topology): { organization: OrdererOrganization; orderer: string } {
  const [first] = ordering.consenters.raft;
  for (const organization of ordering.organizations) {
    if (organization.orderers.some((orderer) => `${orderer.name}.${organization.domain}` === first)) {
      return { organization, orderer: first! };
    }
  }
  throw new TopologyError('CONFIG_INVALID', `no orderer organisation has the consenter ${first}`);
}
