// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultTopologyPath } from './embedded-ledger.js';
import { SignaturePolicy } from './identity/policy.js';
import { blockSigner, readTopology } from './topology.js';

describe('topology', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gridveil-topology-'));
  const json = JSON.parse(readFileSync(defaultTopologyPath(), 'utf8')) as Record<string, unknown>;
  const read = (change: object): unknown => {
    const path = join(directory, 'topology.json');
    writeFileSync(path, JSON.stringify({ ...json, ...change }));
    return readTopology(path);
  };

  after(() => rmSync(directory, { recursive: true, force: true }));

  it('of this project can be used: CC endorses, nobody changes the rules alone, CC orders', () => {
    const topology = readTopology(defaultTopologyPath());
    const endorsement = new SignaturePolicy(topology.policies.endorsement);
    const endorsing = topology.organizations.map(({ mspId }) => mspId).filter((id) => endorsement.mentionsPeersOf(id));
    assert.deepEqual(endorsing, ['ControlCenterMSP']);
    assert.match(topology.policies.lifecycle, /^AND\('ControlCenterMSP\.peer',OR\(/);
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
    assert.throws(() => read({ channels: [{ name: '../x', members: ['ControlCenterMSP'] }] }), {
      code: 'CONFIG_INVALID',
    });
    assert.throws(() => read({ embedded: { batchTimeoutMilliseconds: 0 } }), /batchTimeoutMilliseconds/);
  });
});
