// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { chaincodeServerCommand } from '../../../network/embedded/chaincode-servers.js';
import { EmbeddedLedger, ledgerProcessCommand } from '../../../network/embedded/embedded-ledger.js';
import { LedgerDirectory } from '../../../network/embedded/ledger-directory.js';
import { freePorts } from '../../../network/topology/ports.js';
import { defaultTopologyPath, readTopology, type Roles } from '../../../network/topology/topology.js';
import type { ProcessGroup } from '../processes/process-group.js';
import type { RunDirectory } from '../run-directory.js';

/** The two fields of a party's configuration by which it reaches the ledger. */
export interface LedgerAccess {
  readonly profile: string;
  readonly identity: { readonly mspId: string; readonly certificatePath: string; readonly keyPath: string };
}

/** A ledger with the three channels and their chaincodes. The rest of the demo does not know its kind. */
export interface DemoLedger {
  /** Command that starts stopped processes of a network that existed before the run, and may hold earlier regions. */
  readonly repair?: string;
  /** MSP ids of the parties' organisations. */
  readonly roles: Roles;
  readonly access: (mspId: string) => LedgerAccess;
  /** Stops what the run started; a network that existed before the run keeps running. */
  readonly stop: () => Promise<void>;
}

/** Starts the development ledger and the three chaincode servers, and deploys. */
export async function startEmbeddedLedger(processes: ProcessGroup, runDirectory: RunDirectory): Promise<DemoLedger> {
  const topologyPath = defaultTopologyPath();
  const topology = readTopology(topologyPath);
  const directory = new LedgerDirectory(join(runDirectory.root, 'ledger'));
  const ports = await freePorts(topology.chaincodes.length);
  const chaincodes = topology.chaincodes.map(({ name, channel }, index) => ({
    name,
    channel,
    address: `127.0.0.1:${ports[index]}`,
  }));
  await Promise.all([
    processes.start({
      name: 'ledger',
      ...ledgerProcessCommand({ directory: directory.path, topologyPath, ports: 'free', stay: false }),
      directory: runDirectory.root,
      stepped: false,
      reports: true,
    }),
    ...chaincodes.map(({ name, address }) =>
      processes.start({
        name: `${name}-chaincode`,
        ...chaincodeServerCommand({ name, address, mspId: topology.roles.controlCenter }),
        stepped: false,
        reports: false,
      }),
    ),
  ]);
  const ledger = new EmbeddedLedger(directory, topology);
  await ledger.createChannels();
  for (const chaincode of chaincodes) {
    await ledger.deployChaincode(chaincode);
  }
  return {
    roles: topology.roles,
    access: (mspId) => ({ profile: ledger.connectionProfile(mspId), identity: ledger.user(mspId) }),
    // Its processes belong to the run and end with the others.
    stop: () => Promise.resolve(),
  };
}
