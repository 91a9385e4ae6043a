// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectionProfilePath, peerOrganizationPath } from './network-directory.js';
import type { Organization } from './topology.js';

/**
 * Writes Fabric's common connection profile of an organisation.
 * @param ports port on which each of its peers listens, by full peer name.
 */
export function writeConnectionProfile(
  organizations: string,
  organization: Organization,
  ports: ReadonlyMap<string, number>,
): void {
  const { domain, mspId, name } = organization;
  const tlsCa = join(peerOrganizationPath(organizations, organization), 'tlsca', `tlsca.${domain}-cert.pem`);
  const pem = readFileSync(tlsCa, 'utf8');
  const peers = organization.peers.map((peer) => {
    const peerName = `${peer.name}.${domain}`;
    const grpcOptions = { 'ssl-target-name-override': peerName, hostnameOverride: peerName };
    return [
      peerName,
      { url: `grpcs://${peer.host}:${ports.get(peerName)}`, tlsCACerts: { pem }, grpcOptions },
    ] as const;
  });
  const profile = {
    name: `gridveil-${name.toLowerCase()}`,
    version: '1.0.0',
    client: { organization: name, connection: { timeout: { peer: { endorser: '300' } } } },
    organizations: { [name]: { mspid: mspId, peers: peers.map(([peerName]) => peerName) } },
    peers: Object.fromEntries(peers),
  };
  const path = connectionProfilePath(organizations, organization);
  writeFileSync(`${path}.partial`, `${JSON.stringify(profile, null, 2)}\n`);
  renameSync(`${path}.partial`, path);
}
