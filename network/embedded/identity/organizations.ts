// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ordererOrganizationPath, peerOrganizationPath } from '../../topology/network-directory.js';
import { blockSigner, type OrdererOrganization, type Organization, type Topology } from '../../topology/topology.js';
import { CertificateAuthority, type LeafPurpose } from './certificates.js';

type Role = Extract<LeafPurpose, { kind: 'identity' }>['role'];

/** Authorities of one organisation: one for identities, one for TLS. */
interface Authorities {
  readonly domain: string;
  readonly identity: CertificateAuthority;
  readonly tls: CertificateAuthority;
}

/**
 * Makes `organizations/` as cryptogen does: per organisation its CAs, its nodes and its users (`Admin@…`, `User1@…`).
 * Of the orderers' organisations, only the one that signs blocks. Written beside and renamed, so that the directory is whole or absent.
 */
export async function createOrganizations(topology: Topology, directory: string): Promise<void> {
  const partial = `${directory}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  await Promise.all([
    ...topology.organizations.map((organization) => createPeerOrganization(partial, organization)),
    createOrdererOrganization(partial, blockSigner(topology).organization),
  ]);
  renameSync(partial, directory);
}

async function createPeerOrganization(root: string, organization: Organization): Promise<void> {
  const base = peerOrganizationPath(root, organization);
  const authorities = await createAuthorities(base, organization.domain);
  const users = Array.from({ length: organization.users }, (_, index) => `User${index + 1}`);
  await Promise.all([
    ...organization.peers.map((peer) => createNode(join(base, 'peers'), peer, 'peer', authorities)),
    createUser(base, 'Admin', 'admin', authorities),
    ...users.map((user) => createUser(base, user, 'client', authorities)),
  ]);
}

async function createOrdererOrganization(root: string, organization: OrdererOrganization): Promise<void> {
  const base = ordererOrganizationPath(root, organization);
  const authorities = await createAuthorities(base, organization.domain);
  await Promise.all([
    ...organization.orderers.map((orderer) => createNode(join(base, 'orderers'), orderer, 'orderer', authorities)),
    createUser(base, 'Admin', 'admin', authorities),
  ]);
}

async function createAuthorities(base: string, domain: string): Promise<Authorities> {
  const [identity, tls] = await Promise.all([
    CertificateAuthority.create(`ca.${domain}`, domain),
    CertificateAuthority.create(`tlsca.${domain}`, domain),
  ]);
  const authorities = { domain, identity, tls };
  write(join(base, 'ca', `ca.${domain}-cert.pem`), identity.issued.certificate);
  write(join(base, 'ca', 'priv_sk'), identity.issued.privateKey);
  write(join(base, 'tlsca', `tlsca.${domain}-cert.pem`), tls.issued.certificate);
  write(join(base, 'tlsca', 'priv_sk'), tls.issued.privateKey);
  writeMsp(join(base, 'msp'), authorities);
  return authorities;
}

async function createNode(
  parent: string,
  node: { readonly name: string; readonly host: string },
  role: Role,
  authorities: Authorities,
): Promise<void> {
  const name = `${node.name}.${authorities.domain}`;
  const hosts = [name, node.name, node.host, 'localhost', '127.0.0.1'];
  await Promise.all([
    createIdentity(join(parent, name, 'msp'), name, role, authorities),
    createTls(join(parent, name, 'tls'), { name, side: 'server', hosts }, authorities),
  ]);
}

async function createUser(base: string, user: string, role: Role, authorities: Authorities): Promise<void> {
  const name = `${user}@${authorities.domain}`;
  const path = join(base, 'users', name);
  await Promise.all([
    createIdentity(join(path, 'msp'), name, role, authorities),
    createTls(join(path, 'tls'), { name, side: 'client', hosts: [name] }, authorities),
  ]);
}

async function createIdentity(msp: string, name: string, role: Role, authorities: Authorities): Promise<void> {
  const { certificate, privateKey } = await authorities.identity.issue(name, { kind: 'identity', role });
  writeMsp(msp, authorities);
  write(join(msp, 'signcerts', `${name}-cert.pem`), certificate);
  write(join(msp, 'keystore', 'priv_sk'), privateKey);
}

async function createTls(
  path: string,
  {
    name,
    side,
    hosts,
  }: { readonly name: string; readonly side: 'server' | 'client'; readonly hosts: readonly string[] },
  { tls }: Authorities,
): Promise<void> {
  const { certificate, privateKey } = await tls.issue(name, { kind: 'tls', hosts });
  write(join(path, 'ca.crt'), tls.issued.certificate);
  write(join(path, `${side}.crt`), certificate);
  write(join(path, `${side}.key`), privateKey);
}

/** Writes the files that every MSP directory has: the roots, and the OUs of the roles. */
function writeMsp(path: string, { domain, identity, tls }: Authorities): void {
  const root = `cacerts/ca.${domain}-cert.pem`;
  write(join(path, root), identity.issued.certificate);
  write(join(path, 'tlscacerts', `tlsca.${domain}-cert.pem`), tls.issued.certificate);
  const units = ['Client', 'Peer', 'Admin', 'Orderer'].flatMap((unit) => [
    `  ${unit}OUIdentifier:`,
    `    Certificate: ${root}`,
    `    OrganizationalUnitIdentifier: ${unit.toLowerCase()}`,
  ]);
  write(join(path, 'config.yaml'), ['NodeOUs:', '  Enable: true', ...units, ''].join('\n'));
}

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}
