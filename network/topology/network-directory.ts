// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { TopologyError } from './errors.js';
import type { Organization, Topology } from './topology.js';

/** Certificate and key of a Fabric user. */
export interface UserIdentity {
  readonly mspId: string;
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** Directory of an organisation that has peers. */
export function peerOrganizationPath(directory: string, { domain }: { domain: string }): string {
  return join(directory, 'peerOrganizations', domain);
}

/** Directory of an organisation that has orderers. */
export function ordererOrganizationPath(directory: string, { domain }: { domain: string }): string {
  return join(directory, 'ordererOrganizations', domain);
}

/** Path of an organisation's connection profile, the same on every kind of network. */
export function connectionProfilePath(organizations: string, organization: Organization): string {
  const file = `connection-${organization.name.toLowerCase()}.json`;
  return join(peerOrganizationPath(organizations, organization), file);
}

/** Path of the organisations' files in a network's directory. */
export function organizationsPath(directory: string): string {
  return join(directory, 'organizations');
}

/** A network as its clients see it, the same for every kind: the files of its organisations, in cryptogen's layout. */
export abstract class Network {
  readonly organizations: string;

  constructor(
    readonly directory: string,
    readonly topology: Topology,
  ) {
    this.organizations = organizationsPath(directory);
  }

  /** Path of `connection-<org>.json` of an organisation. @throws TopologyError `NOT_FOUND` */
  connectionProfile(mspId: string): string {
    return connectionProfilePath(this.organizations, organizationOf(this.topology, mspId));
  }

  /** @param user `User1` (applications) or `Admin`. @throws TopologyError `NOT_FOUND` */
  user(mspId: string, user = 'User1'): UserIdentity {
    const organization = organizationOf(this.topology, mspId);
    const base = peerOrganizationPath(this.organizations, organization);
    const msp = join(base, 'users', `${user}@${organization.domain}`, 'msp');
    return { mspId, certificatePath: join(msp, 'signcerts'), keyPath: join(msp, 'keystore') };
  }
}

function organizationOf({ organizations }: Topology, mspId: string): Organization {
  const organization = organizations.find((candidate) => candidate.mspId === mspId);
  if (organization !== undefined) {
    return organization;
  }
  throw new TopologyError('NOT_FOUND', `the topology has no organisation with MSP id ${mspId}`);
}
