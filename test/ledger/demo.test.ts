// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { exportBulletin } from '../../client-apps/cli/export/ledger-export.js';
import { BulletinWriter } from '../../client-apps/common/bulletin-writer.js';
import { connectLedger } from '../../client-apps/common/fabric/index.js';
import { filesUnder } from '../system/bulletin-files.js';
import { scratchFolder, SMALL, systemRun } from '../system/system-run.js';
import { requireFabric, useLedger } from './ledger-under-test.js';
import { CONSUMERS_MSP } from './region-on-ledger.js';

describe('the whole system on Fabric (Fabric only)', function () {
  this.timeout(600_000);
  const ledger = useLedger();
  const environment = { ...process.env };
  afterEach(() => {
    process.env = environment;
  });

  it("gives the embedded ledger's figures and bulletin, which the blocks of the consumers' peer give as well", async function () {
    const fabric = requireFabric(this, ledger());
    const embedded = await systemRun();
    // The demo takes the network that stands.
    process.env = {
      ...environment,
      GRIDVEIL_FABRIC_DIR: fabric.directory,
      GRIDVEIL_TOPOLOGY: fabric.network.topologyPath,
    };
    const onFabric = await systemRun({ ledger: 'fabric' });
    assert.deepEqual(onFabric.outcome, embedded.outcome);
    const published = await filesUnder(embedded.out);
    assert.ok(published.size > 0);
    assert.deepEqual(await filesUnder(onFabric.out), published);

    const rebuilt = await scratchFolder('rebuilt');
    const client = connectLedger(fabric.connectionProfile(CONSUMERS_MSP), fabric.user(CONSUMERS_MSP));
    try {
      await exportBulletin(client, SMALL.region, await BulletinWriter.open(rebuilt));
    } finally {
      client.close();
    }
    assert.deepEqual(await filesUnder(rebuilt), published);
  });
});
