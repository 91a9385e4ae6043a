// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignaturePolicy } from './identity/policy.js';
import { blockSigner, defaultTopologyPath, NETWORK_FOLDER, readTopology } from '../topology/topology.js';

describe('topology', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gridveil-topology-'));
  const shipped = join(NETWORK_FOLDER, 'topology.json');
  const json = JSON.parse(readFileSync(shipped, 'utf8')) as Record<string, unknown>;
  const read = (change: object): unknown => {
    const path = join(directory, 'topology.json');
    writeFileSync(path, JSON.stringify({ ...json, ...change }));
    return readTopology(path);
  };

  after(() => rmSync(directory, { recursive: true, force: true }));

  it('of this project can be used: CC endorses, no organisation changes the rules alone, CC orders', () => {
    const topology = readTopology(shipped);
    const endorsement = new SignaturePolicy(topology.policies.endorsement);
    const endorsing = topology.organizations.map(({ mspId }) => mspId).filter((id) => endorsement.mentionsPeersOf(id));
    assert.deepEqual(endorsing, ['ControlCenterMSP']);
    assert.match(topology.policies.lifecycle, /^AND\('ControlCenterMSP\.peer',OR\(/);
    assert.equal(topology.roles.controlCenter, 'ControlCenterMSP');
    assert.equal(blockSigner(topology).organization.mspId, 'ControlCenterOrdererMSP');
    assert.deepEqual(
      topology.chaincodes.map(({ name, channel }) => name === channel),
      [true, true, true],
    );
  });

  it('is refused with all that is wrong', () => {
    assert.throws(() => readTopology(join(directory, 'none.json')), { code: 'CONFIG_INVALID' });
    const channels = [{ name: 'consumption', members: ['ControlCenterMSP', 'NobodyMSP'] }];
    assert.throws(
      () => read({ channels }),
      (error: Error) => {
        assert.match(error.message, /no organisation has MSP id NobodyMSP/);
        assert.match(error.message, /chaincode pricing: no channel pricing/);
        return true;
      },
    );
    const roles = { controlCenter: 'ControlCenterMSP', serviceProvider: 'Org2MSP', consumers: 'ConsumersMSP' };
    assert.throws(() => read({ roles }), /role serviceProvider: no organisation has MSP id Org2MSP/);
    assert.throws(() => read({ roles: undefined }), /roles/);
    assert.throws(() => read({ channels: [{ name: '../x', members: ['ControlCenterMSP'] }] }), {
      code: 'CONFIG_INVALID',
    });
    assert.throws(() => read({ embedded: { batchTimeoutMilliseconds: 0 } }), /batchTimeoutMilliseconds/);
  });

  it('in use is the one that GRIDVEIL_TOPOLOGY names, or else that of this project', () => {
    assert.equal(defaultTopologyPath({ GRIDVEIL_TOPOLOGY: '/elsewhere/topology.json' }), '/elsewhere/topology.json');
    assert.equal(defaultTopologyPath({}), shipped);
  });
});
