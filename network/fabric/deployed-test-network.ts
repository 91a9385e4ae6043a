// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Network, organizationsPath } from '../topology/network-directory.js';
import { readTopology } from '../topology/topology.js';
import { FabricNetworkError } from './fabric-network.js';

/** fabric-samples' test-network with Gridveil's channels and chaincodes on it, as the deploy script leaves it. */
export class DeployedTestNetwork extends Network {
  readonly topologyPath: string;
  /** The folder in which the deploy script keeps what is ours: topology, packages, logs of the chaincode servers. */
  readonly state: string;

  private constructor(directory: string) {
    super(directory, readTopology(topologyPathIn(directory)));
    this.state = join(directory, 'gridveil');
    this.topologyPath = topologyPathIn(directory);
  }

  /**
   * @param directory fabric-samples/test-network, after `./network.sh up` and the deploy script
   * @throws FabricNetworkError `NOT_A_TEST_NETWORK`, `NOT_UP`, `NOT_DEPLOYED`, each with what to do
   */
  static open(directory: string): DeployedTestNetwork {
    const path = resolve(directory);
    const organizations = organizationsPath(path);
    if (!existsSync(join(path, 'network.sh')) || !existsSync(organizations)) {
      const expected = 'a folder fabric-samples/test-network, with its network.sh and organizations/, is expected';
      throw new FabricNetworkError('NOT_A_TEST_NETWORK', `${path}: ${expected}`);
    }
    if (!existsSync(join(organizations, 'peerOrganizations', 'org1.example.com'))) {
      throw new FabricNetworkError('NOT_UP', `${path}: no network is up; first: cd ${path} && ./network.sh up`);
    }
    if (!existsSync(topologyPathIn(path))) {
      const command = `scripts/deploy-to-test-network.sh ${path}`;
      throw new FabricNetworkError('NOT_DEPLOYED', `${path}: Gridveil is not deployed on it; first: ${command}`);
    }
    return new DeployedTestNetwork(path);
  }
}

function topologyPathIn(directory: string): string {
  return join(directory, 'gridveil', 'topology.json');
}
