// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbeddedLedger } from '../../../network/embedded/embedded-ledger.js';
import { LedgerDirectory } from '../../../network/embedded/ledger-directory.js';
import { defaultTopologyPath, readTopology, type Roles } from '../../../network/topology/topology.js';
import type { ProcessGroup } from '../processes/process-group.js';
import { freePorts } from '../ports.js';
import type { RunDirectory } from '../run-directory.js';

/** How a party reaches the ledger: two fields of its configuration. */
export interface LedgerAccess {
  readonly profile: string;
  readonly identity: { readonly mspId: string; readonly certificatePath: string; readonly keyPath: string };
}

/** A ledger with the three channels and their chaincodes. The only place that knows its kind. */
export interface DemoLedger {
  /** Of one that was there before the run, and may hold regions of earlier ones: the command that starts what of it has stopped. */
  readonly repair?: string;
  /** MSP ids of the parties' organisations. */
  readonly roles: Roles;
  readonly access: (mspId: string) => LedgerAccess;
  /** Takes down what the run put up; a ledger that stood before is left standing. */
  readonly stop: () => Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const LEDGER_PROGRAM = join(ROOT, 'dist', 'network', 'embedded', 'main.js');
const CHAINCODE_PROGRAM = join(ROOT, 'chaincode', 'node_modules', 'fabric-shim', 'cli.js');

/** Ends a process that is not ours to change when the run that started it is gone. */
const LEAVE_WITH_PARENT = 'data:text/javascript,process.once("disconnect",()=>process.exit())';

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
      script: LEDGER_PROGRAM,
      args: ['serve', '--directory', directory.path, '--topology', topologyPath, '--ports', 'free'],
      directory: runDirectory.root,
      stepped: false,
      reports: true,
    }),
    ...chaincodes.map(({ name, address }) =>
      processes.start({
        name: `${name}-chaincode`,
        script: CHAINCODE_PROGRAM,
        args: ['server', '--chaincode-address', address, '--chaincode-id', `${name}:1.0`],
        nodeArgs: ['--import', LEAVE_WITH_PARENT],
        environment: { CORE_PEER_LOCALMSPID: topology.roles.controlCenter, CORE_CHAINCODE_LOGGING_LEVEL: 'error' },
        directory: join(ROOT, 'chaincode', 'build', name),
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
    // Its processes are the run's own and end with the others.
    stop: () => Promise.resolve(),
  };
}
