// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { FabricNetwork } from '../../../network/fabric/fabric-network.js';
import type { TestNetwork } from '../../../network/fabric/test-network.js';
import { ClientError } from '../../runtime/errors.js';
import type { DemoLedger } from './demo-ledger.js';
import type { RunDirectory } from '../run-directory.js';

const FROM_NOTHING = ['up', 'createChannel', 'deployCC'];

/**
 * Real Hyperledger Fabric. A network that stands is used and left standing: the test-network, if one is given, otherwise
 * that of `GRIDVEIL_FABRIC_DIR`, by default network/fabric/state. Where none stands, the run makes one and takes it down.
 *
 * @throws ClientError PARTY_FAILED with what network.sh says: a missing binary, a taken port
 */
export async function startFabricLedger(runDirectory: RunDirectory, testNetwork?: TestNetwork): Promise<DemoLedger> {
  if (testNetwork !== undefined) {
    return { ...ledgerOf(testNetwork), repair: `scripts/deploy-to-test-network.sh ${testNetwork.directory}` };
  }
  const standing = new FabricNetwork();
  if (standing.stands) {
    // As it is: another deployment would take an upgraded chaincode back.
    await run(standing, ...(standing.hasChaincode ? ['up'] : FROM_NOTHING));
    return { ...ledgerOf(standing), repair: 'network/fabric/network.sh restart' };
  }
  const own = new FabricNetwork({ directory: join(runDirectory.root, 'fabric') });
  const takeDownNow = (): void => {
    own.downNow();
  };
  process.once('exit', takeDownNow);
  const stop = async (): Promise<void> => {
    process.off('exit', takeDownNow);
    await run(own, 'down');
  };
  try {
    await run(own, ...FROM_NOTHING);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...ledgerOf(own), stop };
}

function ledgerOf(network: FabricNetwork | TestNetwork): DemoLedger {
  return {
    roles: network.topology.roles,
    access: (mspId) => ({ profile: network.connectionProfile(mspId), identity: network.user(mspId) }),
    stop: () => Promise.resolve(),
  };
}

async function run(network: FabricNetwork, ...modes: readonly string[]): Promise<void> {
  try {
    await network.run(...modes);
  } catch (error) {
    throw new ClientError('PARTY_FAILED', (error as Error).message, { cause: error });
  }
}
