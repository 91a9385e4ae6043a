// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { ControlServer } from './control.js';
import { EmbeddedLedgerError } from './errors.js';
import { createOrganizations } from './identity/organizations.js';
import { LedgerDirectory } from './ledger-directory.js';
import { LedgerNode } from './ledger-node.js';
import type { LedgerProcessOptions } from './embedded-ledger.js';
import { TopologyError } from '../topology/errors.js';
import { readTopology, type Topology } from '../topology/topology.js';

/**
 * Serves a directory until it is told to stop. Reports over IPC, if it has a parent there, `ready` or `failed`.
 * @throws EmbeddedLedgerError, TopologyError if it cannot start
 */
async function serve(options: LedgerProcessOptions): Promise<void> {
  const topology = readTopology(options.topologyPath);
  const directory = new LedgerDirectory(options.directory);
  directory.create();
  if (!directory.hasOrganizations()) {
    await createOrganizations(topology, directory.organizations);
  }
  const node = await LedgerNode.start({
    topology,
    organizations: directory.organizations,
    database: directory.database,
    logs: directory.path,
    ports: portsFor(topology, directory, options.ports),
    onFailure: (error) => {
      process.stderr.write(`a block could not be stored: ${(error as Error).stack ?? String(error)}\n`);
      process.exit(1);
    },
  });
  const { endpoints } = node.status();
  directory.writePorts(portsOf(endpoints));

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
  process.send?.({ kind: 'report', name: 'ready', data: { endpoints } });
}

/** Clients keep the addresses that they have read, so the ports of an earlier start come first. */
function portsFor(
  topology: Topology,
  directory: LedgerDirectory,
  choice: LedgerProcessOptions['ports'],
): ReadonlyMap<string, number> {
  const earlier = directory.readPorts();
  if (earlier !== undefined) {
    return earlier;
  }
  const peers = topology.organizations.flatMap(({ peers, domain }) =>
    peers.map(({ name, port }) => [`${name}.${domain}`, choice === 'free' ? 0 : port] as const),
  );
  return new Map(peers);
}

function portsOf(endpoints: Readonly<Record<string, string>>): ReadonlyMap<string, number> {
  const entries = Object.entries(endpoints);
  return new Map(entries.map(([name, address]) => [name, Number(address.slice(address.lastIndexOf(':') + 1))]));
}

const { values } = parseArgs({
  options: {
    directory: { type: 'string', default: '' },
    topology: { type: 'string', default: '' },
    ports: { type: 'string', default: 'free' },
    stay: { type: 'boolean', default: false },
  },
});
try {
  const { directory, topology: topologyPath, stay } = values;
  await serve({ directory, topologyPath, stay, ports: values.ports === 'topology' ? 'topology' : 'free' });
} catch (error) {
  if (!(error instanceof EmbeddedLedgerError || error instanceof TopologyError)) {
    throw error;
  }
  const { code, message } = error;
  process.stderr.write(`${code}: ${message}\n`);
  process.exitCode = 1;
  process.send?.({ kind: 'report', name: 'failed', data: { code, message } });
}
