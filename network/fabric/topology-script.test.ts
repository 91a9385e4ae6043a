// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeConnectionProfile } from '../topology/connection-profile.js';
import { connectionProfilePath, peerOrganizationPath } from '../topology/network-directory.js';
import { NETWORK_FOLDER, readTopology, type Topology } from '../topology/topology.js';

const SCRIPT = join(NETWORK_FOLDER, 'fabric', 'lib', 'topology.mjs');

// Operators run the script without installing anything, so it reads the topology without network/topology.
for (const file of ['topology.json', join('fabric', 'test-network.json')]) {
  describe(`topology.mjs and network/topology read the same from ${file}`, function () {
    this.timeout(20_000);
    const path = join(NETWORK_FOLDER, file);
    let topology: Topology;
    before(() => (topology = readTopology(path)));

    const script = (...args: string[]): string[] => {
      const env = { ...process.env, GRIDVEIL_TOPOLOGY: path };
      const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { env, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return stdout.split('\n').filter((line) => line !== '');
    };

    it('nodes', () => {
      const orderers = topology.ordering.organizations.flatMap((organization) =>
        organization.orderers.map((orderer) => ({ kind: 'orderer', organization, node: orderer })),
      );
      const consenters = new Set(topology.ordering.consenters.raft);
      const raft = orderers.filter(({ organization, node }) => consenters.has(`${node.name}.${organization.domain}`));
      const peers = topology.organizations.flatMap((organization) =>
        organization.peers.map((peer) => ({ kind: 'peer', organization, node: peer })),
      );
      const expected = [...raft, ...peers].map(({ kind, organization: { mspId, domain }, node }) =>
        [kind, `${node.name}.${domain}`, mspId, domain, node.host, node.port].join(' '),
      );
      const read = script('nodes', 'raft').map((line) => line.split(' ').slice(0, 6).join(' '));
      assert.deepEqual(read, expected);
    });

    it('organisations, roles, policies, channels and chaincodes', () => {
      const { organizations, roles, policies, channels, chaincodes } = topology;
      const expected = organizations.map(({ name, mspId, domain }) => [name, mspId, domain].join(' '));
      assert.deepEqual(script('organizations'), expected);
      for (const [role, mspId] of Object.entries(roles)) {
        assert.deepEqual(script('value', `roles.${role}`), [mspId]);
      }
      assert.deepEqual(script('value', 'policies.endorsement'), [policies.endorsement]);
      const names = channels.map(({ name }) => name);
      assert.deepEqual(script('channels'), names);
      const deployed = script('chaincodes').map((line) => line.split(' ').slice(0, 2).join(' '));
      assert.deepEqual(
        deployed,
        chaincodes.map(({ name, channel }) => `${name} ${channel}`),
      );
    });

    it('connection profiles', () => {
      const directory = mkdtempSync(join(tmpdir(), 'gridveil-profiles-'));
      for (const organization of topology.organizations) {
        const tlsca = join(peerOrganizationPath(directory, organization), 'tlsca');
        mkdirSync(tlsca, { recursive: true });
        writeFileSync(join(tlsca, `tlsca.${organization.domain}-cert.pem`), `PEM of ${organization.name}\n`);
      }
      script('profiles', directory);
      for (const organization of topology.organizations) {
        const profile = connectionProfilePath(directory, organization);
        const written = readFileSync(profile, 'utf8');
        const { domain, peers } = organization;
        const ports = new Map(peers.map(({ name, port }) => [`${name}.${domain}`, port]));
        writeConnectionProfile(directory, organization, ports);
        assert.equal(written, readFileSync(profile, 'utf8'));
      }
      rmSync(directory, { recursive: true });
    });
  });
}
