// SPDX-License-Identifier: Apache-2.0
import { ControlServer } from './control.js';
import { EmbeddedLedgerError } from './errors.js';
import { createOrganizations } from './identity/organizations.js';
import { LedgerDirectory } from './ledger-directory.js';
import { LedgerNode } from './ledger-node.js';
import { readTopology, type Topology } from '../topology/topology.js';

/** What the ledger process is told. */
export interface ServeOptions {
  readonly directory: string;
  readonly topologyPath: string;
  /** `topology`: the ports it names. `free`: any, but the same ones whenever the directory is served again. */
  readonly ports: 'topology' | 'free';
  /** A parent process that is gone takes the ledger with it, unless the ledger was started to stay. */
  readonly stay: boolean;
}

/**
 * The ledger process: serves a directory until it is told to stop. Reports `ready`, over IPC if it has a parent there.
 * @throws EmbeddedLedgerError if it cannot start.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const topology = readTopology(options.topologyPath);
  const directory = new LedgerDirectory(options.directory);
  if (directory.readControl() !== undefined) {
    throw new EmbeddedLedgerError('ALREADY_RUNNING', `a ledger already serves ${options.directory}`);
  }
  directory.create();
  if (!directory.hasOrganizations()) {
    await createOrganizations(topology, directory.organizations);
  }
  const node = await LedgerNode.start({
    topology,
    organizations: directory.organizations,
    database: directory.database,
    ports: portsFor(topology, directory, options.ports),
    onFailure: (error) => {
      process.stderr.write(`a block could not be stored: ${(error as Error).stack ?? String(error)}\n`);
      process.exit(1);
    },
  });
  const status = node.status();
  directory.writePorts(portsOf(status.endpoints));

  const stop = (): void => {
    control.close();
    directory.removeControl();
    node.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  const control = new ControlServer(node, stop);
  directory.writeControl(await control.listen());
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (!options.stay) {
    process.once('disconnect', stop);
  }
  process.send?.({ kind: 'report', name: 'ready', data: { endpoints: status.endpoints } });
}

function portsFor(
  topology: Topology,
  directory: LedgerDirectory,
  choice: ServeOptions['ports'],
): ReadonlyMap<string, number> {
  if (choice === 'free') {
    return directory.readPorts() ?? new Map();
  }
  const peers = topology.organizations.flatMap(({ peers, domain }) =>
    peers.map(({ name, port }) => [`${name}.${domain}`, port] as const),
  );
  return new Map(peers);
}

function portsOf(endpoints: Readonly<Record<string, string>>): ReadonlyMap<string, number> {
  const entries = Object.entries(endpoints);
  return new Map(entries.map(([name, address]) => [name, Number(address.slice(address.lastIndexOf(':') + 1))]));
}
