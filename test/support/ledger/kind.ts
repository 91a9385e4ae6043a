// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { defaultTopologyPath, readTopology, type Roles } from '../../../network/topology/topology.js';
import type { FabricEnvironment } from '../../../network/fabric/fabric-network.js';
import { DeployedTestNetwork } from '../../../network/fabric/deployed-test-network.js';

/** Ledgers that the suite runs against: `npm run test:system -- --ledger KIND`. */
export const LEDGER_KINDS = ['embedded', 'fabric', 'fabric-bft', 'test-network'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** The kind that this run is for. */
export function ledgerKind(): LedgerKind {
  const kind = process.env['GRIDVEIL_LEDGER'] ?? 'embedded';
  const known = LEDGER_KINDS.find((candidate) => candidate === kind);
  if (known === undefined) {
    throw new Error(`GRIDVEIL_LEDGER is one of ${LEDGER_KINDS.join(', ')}, not ${kind}`);
  }
  return known;
}

/** Consensus of the network that is made for the tests; undefined where none is. */
export function consensusUnderTest(): Consensus | undefined {
  const consensus = { embedded: undefined, fabric: 'raft', 'fabric-bft': 'bft', 'test-network': undefined } as const;
  return consensus[ledgerKind()];
}

/** The test-network that `GRIDVEIL_TEST_NETWORK` names; undefined when the suite runs against another kind. */
export function testNetworkUnderTest(): DeployedTestNetwork | undefined {
  if (ledgerKind() !== 'test-network') {
    return undefined;
  }
  const directory = process.env['GRIDVEIL_TEST_NETWORK'];
  if (directory === undefined) {
    throw new Error('GRIDVEIL_TEST_NETWORK must name a deployed fabric-samples/test-network');
  }
  return DeployedTestNetwork.open(directory);
}

/** Topology of the ledger under test, but for ports that are chosen when it starts. */
export const TOPOLOGY_PATH = testNetworkUnderTest()?.topologyPath ?? defaultTopologyPath();

/** MSP ids of the parties on the ledger under test. */
export const ROLES: Roles = readTopology(TOPOLOGY_PATH).roles;

/** In which Fabric's commands are found: fabric-samples has them beside the test-network. */
export function fabricEnvironment(): FabricEnvironment {
  const network = testNetworkUnderTest();
  if (network === undefined || process.env['FABRIC_BIN'] !== undefined) {
    return process.env;
  }
  return { ...process.env, FABRIC_BIN: join(network.directory, '..', 'bin') };
}

const RADIX = 36;
const DIGITS = 4;

/** A region's name, like `name` and unlike any that an earlier run may have left on the ledger. */
export function unusedRegion(name: string): string {
  return `${name.slice(0, 3)}-${randomInt(RADIX ** DIGITS)
    .toString(RADIX)
    .padStart(DIGITS, '0')}`;
}

export type Consensus = 'raft' | 'bft';
