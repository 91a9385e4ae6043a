// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { NETWORK_FOLDER, readTopology, type Topology } from '../../topology/topology.js';
import { createOrganizations } from './organizations.js';

/** Files that cryptogen 3.1 writes for one peer organisation with one peer, an administrator and one user. */
const CRYPTOGEN_FILES = [
  'ca/ca.DOMAIN-cert.pem',
  'ca/priv_sk',
  'msp/cacerts/ca.DOMAIN-cert.pem',
  'msp/config.yaml',
  'msp/tlscacerts/tlsca.DOMAIN-cert.pem',
  ...['peers/peer0.DOMAIN', 'users/Admin@DOMAIN', 'users/User1@DOMAIN'].flatMap((node) => {
    const side = node.startsWith('peers') ? 'server' : 'client';
    return [
      `${node}/msp/cacerts/ca.DOMAIN-cert.pem`,
      `${node}/msp/config.yaml`,
      `${node}/msp/keystore/priv_sk`,
      `${node}/msp/signcerts/${node.split('/')[1]}-cert.pem`,
      `${node}/msp/tlscacerts/tlsca.DOMAIN-cert.pem`,
      `${node}/tls/ca.crt`,
      `${node}/tls/${side}.crt`,
      `${node}/tls/${side}.key`,
    ];
  }),
  'tlsca/priv_sk',
  'tlsca/tlsca.DOMAIN-cert.pem',
].sort();

describe('organisations', () => {
  const root = mkdtempSync(join(tmpdir(), 'gridveil-organizations-'));
  const directory = join(root, 'organizations');
  const domain = 'sp.example.com';
  const base = join(directory, 'peerOrganizations', domain);
  let topology: Topology;

  before(async () => {
    topology = readTopology(join(NETWORK_FOLDER, 'topology.json'));
    await createOrganizations(topology, directory);
  });

  after(() => rmSync(root, { recursive: true, force: true }));

  it("have cryptogen's files, in its places", () => {
    const files = readdirSync(base, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(base, join(entry.parentPath, entry.name)));
    assert.deepEqual(files.sort(), CRYPTOGEN_FILES.map((file) => file.replaceAll('DOMAIN', domain)).sort());
  });

  it('have certificates that belong to their keys and carry the role', () => {
    const msp = join(base, 'users', `Admin@${domain}`, 'msp');
    const certificate = new X509Certificate(readFileSync(join(msp, 'signcerts', `Admin@${domain}-cert.pem`)));
    const ca = new X509Certificate(readFileSync(join(base, 'ca', `ca.${domain}-cert.pem`)));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(join(msp, 'keystore', 'priv_sk')))));
    assert.ok(certificate.checkIssued(ca) && certificate.verify(ca.publicKey) && ca.ca && !certificate.ca);
    assert.match(certificate.subject, /OU=admin/);
    const tls = new X509Certificate(readFileSync(join(base, 'peers', `peer0.${domain}`, 'tls', 'server.crt')));
    assert.equal(tls.checkHost(`peer0.${domain}`), `peer0.${domain}`);
    assert.equal(tls.checkIP('127.0.0.1'), '127.0.0.1');
  });

  it('keep private keys to their owner', () => {
    assert.equal(statSync(join(base, 'ca', 'priv_sk')).mode & 0o077, 0);
    assert.equal(statSync(directory).mode & 0o077, 0);
  });
});
