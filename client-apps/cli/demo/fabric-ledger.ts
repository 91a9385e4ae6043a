// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { FabricNetwork } from '../../../network/fabric/fabric-network.js';
import { ClientError } from '../../common/errors.js';
import type { DemoLedger } from './demo-ledger.js';
import type { Premises } from './premises.js';

const FROM_NOTHING = ['up', 'createChannel', 'deployCC'];

/**
 * Real Hyperledger Fabric. A network that stands (`GRIDVEIL_FABRIC_DIR`, by default network/fabric/state) is used and left
 * standing; its ledgers keep what earlier runs wrote, so each run needs a region of its own there. Otherwise the run
 * makes a network and takes it down.
 *
 * @throws ClientError PARTY_FAILED with what network.sh says: a missing binary, a taken port
 */
export async function startFabricLedger(premises: Premises): Promise<DemoLedger> {
  const standing = new FabricNetwork();
  if (standing.stands) {
    // As it is: another deployment would take an upgraded chaincode back.
    await run(standing, ...(standing.hasChaincode ? ['up'] : FROM_NOTHING));
    return demoLedger(standing, () => Promise.resolve());
  }
  const own = new FabricNetwork({ directory: join(premises.root, 'fabric') });
  const takeDownNow = (): void => own.downNow();
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
  return demoLedger(own, stop);
}

function demoLedger(network: FabricNetwork, stop: () => Promise<void>): DemoLedger {
  return {
    access: (mspId) => ({ profile: network.connectionProfile(mspId), identity: network.user(mspId) }),
    stop,
  };
}

async function run(network: FabricNetwork, ...modes: readonly string[]): Promise<void> {
  try {
    await network.run(...modes);
  } catch (error) {
    throw new ClientError('PARTY_FAILED', (error as Error).message, { cause: error });
  }
}
