// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
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

/** The files that every kind of network keeps of its organisations, in cryptogen's layout. */
export class NetworkDirectory {
  /** `organizations/` in the network's directory. */
  readonly organizations: string;

  constructor(readonly path: string) {
    this.organizations = join(path, 'organizations');
  }

  hasOrganizations(): boolean {
    return existsSync(this.organizations);
  }

  /** Path of `connection-<org>.json` of an organisation. @throws TopologyError `NOT_FOUND` */
  profile(topology: Topology, mspId: string): string {
    return connectionProfilePath(this.organizations, organizationOf(topology, mspId));
  }

  /**
   * @param user such as `User1` or `Admin`.
   * @throws TopologyError `NOT_FOUND`
   */
  user(topology: Topology, mspId: string, user: string): UserIdentity {
    const organization = organizationOf(topology, mspId);
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
