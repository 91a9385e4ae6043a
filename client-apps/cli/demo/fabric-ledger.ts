// SPDX-License-Identifier: Apache-2.0
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClientError } from '../../common/errors.js';
import { defaultTopologyPath } from '../../../network/embedded/embedded-ledger.js';
import { connectionProfilePath } from '../../../network/embedded/identity/connection-profile.js';
import { LedgerDirectory } from '../../../network/embedded/ledger-directory.js';
import { readTopology } from '../../../network/embedded/topology.js';
import type { DemoLedger } from './demo-ledger.js';
import type { Premises } from './premises.js';

const NETWORK_SCRIPT = fileURLToPath(new URL('../../../../network/fabric/network.sh', import.meta.url));
/** From nothing to three channels takes seconds; a machine that needs minutes will not finish a run either. */
const NETWORK_MILLISECONDS = 180_000;

/**
 * Real Hyperledger Fabric. A network that stands (`GRIDVEIL_FABRIC_DIR`, by default network/fabric/state) is used and left
 * standing; its ledgers keep what earlier runs wrote, so each run needs a region of its own there. Otherwise the run
 * makes a network and takes it down.
 *
 * @throws ClientError PARTY_FAILED with what network.sh says: a missing binary, a taken port
 */
export async function startFabricLedger(premises: Premises): Promise<DemoLedger> {
  const standing = process.env['GRIDVEIL_FABRIC_DIR'] ?? join(NETWORK_SCRIPT, '..', 'state');
  const stands = existsSync(join(standing, 'organizations'));
  const directory = stands ? standing : join(premises.root, 'fabric');
  const environment = { ...process.env, GRIDVEIL_FABRIC_DIR: directory };
  const takeDownNow = (): void => void spawnSync(NETWORK_SCRIPT, ['down'], { env: environment, stdio: 'ignore' });
  if (!stands) process.once('exit', takeDownNow);
  await network(['up', 'createChannel', 'deployCC'], environment);

  const topology = readTopology(process.env['GRIDVEIL_TOPOLOGY'] ?? defaultTopologyPath());
  const files = new LedgerDirectory(directory);
  return {
    access: (mspId) => {
      const organization = topology.organizations.find((candidate) => candidate.mspId === mspId);
      if (organization === undefined)
        throw new ClientError('PARTY_FAILED', `the topology has no organisation ${mspId}`);
      return {
        profile: connectionProfilePath(files.organizations, organization),
        identity: files.user(topology, mspId, 'User1'),
      };
    },
    stop: async () => {
      if (stands) return;
      process.off('exit', takeDownNow);
      await network(['down'], environment);
    },
  };
}

function network(modes: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(NETWORK_SCRIPT, modes, { env: environment, timeout: NETWORK_MILLISECONDS }, (error, _, stderr) => {
      if (error === null) resolve();
      else reject(new ClientError('PARTY_FAILED', `network.sh ${modes.join(' ')}: ${stderr.trim() || error.message}`));
    });
  });
}
