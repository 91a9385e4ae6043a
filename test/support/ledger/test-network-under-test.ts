// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { UserIdentity } from '../../../network/topology/network-directory.js';
import { NETWORK_FOLDER } from '../../../network/topology/topology.js';
import { FabricNetwork } from '../../../network/fabric/fabric-network.js';
import type { DeployedTestNetwork } from '../../../network/fabric/deployed-test-network.js';
import { AdministeredFabric } from './administered-fabric.js';
import { fabricEnvironment } from './kind.js';
import type { LedgerUnderTest } from './ledger.js';

const run = promisify(execFile);

const DEPLOY = join(dirname(NETWORK_FOLDER), 'scripts', 'deploy-to-test-network.sh');
const DEPLOY_MILLISECONDS = 300_000;

/** fabric-samples' test-network, which exists before and after the tests. */
export class TestNetworkUnderTest extends AdministeredFabric implements LedgerUnderTest {
  readonly #testNetwork: DeployedTestNetwork;

  constructor(testNetwork: DeployedTestNetwork) {
    const { state, topologyPath } = testNetwork;
    super(new FabricNetwork({ directory: state, topologyPath, environment: fabricEnvironment() }));
    this.#testNetwork = testNetwork;
  }

  /** Peers and orderers run in containers of their own; only files of the deploy script are here. */
  get directory(): string {
    return this.#testNetwork.state;
  }

  get organizations(): string {
    return this.#testNetwork.organizations;
  }

  connectionProfile(mspId: string): string {
    return this.#testNetwork.connectionProfile(mspId);
  }

  user(mspId: string, user?: string): UserIdentity {
    return this.#testNetwork.user(mspId, user);
  }

  async upgrade(): Promise<void> {
    // Earlier runs have left it at some version.
    const { version } = (await this.committed('consumption', 'consumption'))!;
    const next = `1.${Number(version.split('.')[1]) + 1}`;
    const options = { env: fabricEnvironment(), timeout: DEPLOY_MILLISECONDS };
    await run(DEPLOY, [this.#testNetwork.directory, '-ccv', next], options);
  }

  async stop(): Promise<void> {
    // Not ours to stop.
  }
}
