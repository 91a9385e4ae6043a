// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NetworkDirectory, type UserIdentity } from '../topology/network-directory.js';
import { readTopology, type Topology } from '../topology/topology.js';
import { FabricNetworkError } from './fabric-network.js';

/** fabric-samples' test-network with Gridveil's channels and chaincodes on it, as the deploy script leaves it. */
export class TestNetwork {
  readonly topology: Topology;
  readonly topologyPath: string;
  /** The folder in which the deploy script keeps what is ours: topology, packages, logs of the chaincode servers. */
  readonly state: string;
  readonly #files: NetworkDirectory;

  private constructor(readonly directory: string) {
    this.state = join(directory, 'gridveil');
    this.topologyPath = topologyPathIn(directory);
    this.topology = readTopology(this.topologyPath);
    this.#files = new NetworkDirectory(directory);
  }

  /**
   * @param directory fabric-samples/test-network, after `./network.sh up` and the deploy script
   * @throws FabricNetworkError `NOT_A_TEST_NETWORK`, `NOT_UP`, `NOT_DEPLOYED`, each with what to do
   */
  static open(directory: string): TestNetwork {
    const path = resolve(directory);
    if (!existsSync(join(path, 'network.sh')) || !existsSync(join(path, 'organizations'))) {
      const expected = 'a folder fabric-samples/test-network, with its network.sh and organizations/, is expected';
      throw new FabricNetworkError('NOT_A_TEST_NETWORK', `${path}: ${expected}`);
    }
    if (!existsSync(join(path, 'organizations', 'peerOrganizations', 'org1.example.com'))) {
      throw new FabricNetworkError('NOT_UP', `${path}: no network is up; first: cd ${path} && ./network.sh up`);
    }
    if (!existsSync(topologyPathIn(path))) {
      const command = `scripts/deploy-to-test-network.sh ${path}`;
      throw new FabricNetworkError('NOT_DEPLOYED', `${path}: Gridveil is not deployed on it; first: ${command}`);
    }
    return new TestNetwork(path);
  }

  /** `organizations/`, in cryptogen's layout. */
  get organizations(): string {
    return this.#files.organizations;
  }

  /** Path of `connection-<org>.json`. @throws TopologyError `NOT_FOUND` */
  connectionProfile(mspId: string): string {
    return this.#files.profile(this.topology, mspId);
  }

  /** @param user `User1` (applications) or `Admin`. @throws TopologyError `NOT_FOUND` */
  user(mspId: string, user = 'User1'): UserIdentity {
    return this.#files.user(this.topology, mspId, user);
  }
}

function topologyPathIn(directory: string): string {
  return join(directory, 'gridveil', 'topology.json');
}
