// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { FabricNetwork } from '../../../network/fabric/fabric-network.js';
import type { DeployedTestNetwork } from '../../../network/fabric/deployed-test-network.js';
import { ClientError } from '../../runtime/errors.js';
import type { DemoLedger } from './demo-ledger.js';
import type { RunDirectory } from '../run-directory.js';

const FROM_NOTHING = ['up', 'createChannel', 'deployCC'];

/**
 * Connects to Hyperledger Fabric. An existing network is used and keeps running: the test-network, if one is given,
 * otherwise that of `GRIDVEIL_FABRIC_DIR`, by default network/fabric/state. Without one, the run makes a network and removes
 * it at its end.
 *
 * @throws ClientError PARTY_FAILED with what network.sh says: a missing binary, a taken port
 */
export async function startFabricLedger(
  runDirectory: RunDirectory,
  testNetwork?: DeployedTestNetwork,
): Promise<DemoLedger> {
  if (testNetwork !== undefined) {
    return { ...ledgerOf(testNetwork), repair: `scripts/deploy-to-test-network.sh ${testNetwork.directory}` };
  }
  const existing = new FabricNetwork();
  if (existing.exists) {
    // Another deployment is not needed, and would use this checkout's chaincode.
    await run(existing, ...(existing.hasChaincode ? ['up'] : FROM_NOTHING));
    return { ...ledgerOf(existing), repair: 'network/fabric/network.sh restart' };
  }
  const own = new FabricNetwork({ directory: join(runDirectory.root, 'fabric') });
  const removeNow = (): void => own.downNow();
  process.once('exit', removeNow);
  const stop = async (): Promise<void> => {
    process.off('exit', removeNow);
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

function ledgerOf(network: FabricNetwork | DeployedTestNetwork): DemoLedger {
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
