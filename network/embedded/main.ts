// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { startChaincodeServers, stopChaincodeServers } from './chaincode-servers.js';
import { EmbeddedLedger, startEmbeddedLedger } from './embedded-ledger.js';
import { EmbeddedLedgerError } from './errors.js';
import { LedgerDirectory } from './ledger-directory.js';
import { serve, type ServeOptions } from './serve.js';
import { defaultTopologyPath, readTopology } from '../topology/topology.js';
import { TopologyError } from '../topology/errors.js';

const DEFAULT_DIRECTORY = 'build/embedded-ledger';

interface CommonOptions {
  readonly directory: string;
  readonly topology: string;
  readonly json?: true;
}

/** The development ledger's command line: the verbs of `network/fabric/network.sh`. */
function program(): Command {
  const root = new Command('gridveil ledger')
    .description("Gridveil's development ledger: Fabric's gRPC services in one process. Not for production.")
    .exitOverride();
  const verb = (name: string, description: string): Command =>
    root
      .command(name)
      .description(description)
      .exitOverride()
      .option('--directory <path>', 'where the ledger keeps its files', DEFAULT_DIRECTORY)
      .option('--topology <path>', 'organisations, channels and ports', defaultTopologyPath())
      .option('--json', 'print the result in one line');

  verb('up', 'make certificates if there are none, and start the ledger if it does not run')
    .addOption(portsOption('topology'))
    .action(async (options: CommonOptions & { ports: ServeOptions['ports'] }) => {
      const found = existing(options);
      const ledger = found.pid === undefined ? await start(options) : found;
      print(options, { organizations: ledger.organizations, ...(await ledger.status()) });
    });
  verb('createChannel', "create the topology's channels, or one of them")
    .option('-c, --channel <name>', 'only this channel')
    .action(async (options: CommonOptions & { channel?: string }) => {
      const ledger = existing(options);
      await ledger.createChannels(options.channel === undefined ? undefined : [options.channel]);
      print(options, await ledger.status());
    });
  verb('deployCC', "define the topology's chaincodes, and start their servers unless --address names one that runs")
    .option('-c, --channel <name>', 'only the chaincodes of this channel')
    .option('--address <host:port>', 'a chaincode server that runs already; needs --channel')
    .option('--ccv <version>', 'chaincode version', '1.0')
    .action(async (options: CommonOptions & { channel?: string; address?: string; ccv: string }, command: Command) => {
      if (options.address !== undefined && options.channel === undefined) {
        command.error('error: --address needs --channel');
      }
      const ledger = existing(options);
      await ledger.status();
      const { chaincodes, roles } = ledger.topology;
      const chosen = chaincodes.filter(({ channel }) => options.channel === undefined || channel === options.channel);
      const servers = options.address
        ? chosen.map((chaincode) => ({ ...chaincode, address: options.address! }))
        : await startChaincodeServers(options.directory, chosen, roles.controlCenter);
      for (const { name, channel, address } of servers) {
        await ledger.deployChaincode({ name, channel, address, version: options.ccv });
      }
      print(options, await ledger.status());
    });
  verb('status', 'show endpoints, channels and chaincodes').action(async (options: CommonOptions) => {
    print(options, await existing(options).status());
  });
  verb('restart', 'stop the ledger and start it again with its data').action(async (options: CommonOptions) => {
    if (directoryOf(options).readPorts() === undefined) {
      throw new EmbeddedLedgerError('NOT_RUNNING', `there is no ledger in ${options.directory}; up makes one`);
    }
    await existing(options).stop();
    print(options, await (await start(options)).status());
  });
  verb('down', 'stop ledger and chaincode servers, and remove all their files').action(
    async (options: CommonOptions) => {
      stopChaincodeServers(options.directory);
      await existing(options).stop();
      directoryOf(options).remove();
    },
  );
  verb('serve', 'be the ledger process (what `up` starts)')
    .addOption(portsOption('free'))
    .option('--stay', 'stay when the parent process ends', false)
    .action((options: CommonOptions & { ports: ServeOptions['ports']; stay: boolean }) =>
      serve({
        directory: resolve(options.directory),
        topologyPath: options.topology,
        ports: options.ports,
        stay: options.stay,
      }),
    );
  return root;
}

function portsOption(fallback: ServeOptions['ports']): Option {
  return new Option('--ports <which>', "the topology's ports, or any that are free")
    .choices(['topology', 'free'])
    .default(fallback);
}

function directoryOf({ directory }: CommonOptions): LedgerDirectory {
  return new LedgerDirectory(resolve(directory));
}

function existing(options: CommonOptions): EmbeddedLedger {
  return new EmbeddedLedger(directoryOf(options), readTopology(options.topology));
}

/** On the ports of an earlier run, if there was one. */
function start(options: CommonOptions & { readonly ports?: ServeOptions['ports'] }): Promise<EmbeddedLedger> {
  return startEmbeddedLedger({ ...options, topologyPath: options.topology, stay: true });
}

function print({ json }: CommonOptions, value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, json ? undefined : 2)}\n`);
}

try {
  await program().parseAsync();
} catch (error) {
  // Commander has printed what it refuses; help is no failure.
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  if (error instanceof EmbeddedLedgerError || error instanceof TopologyError) {
    process.stderr.write(`${error.code}: ${error.message}\n`);
    process.exitCode = 1;
  } else if (code?.startsWith('commander.')) {
    process.exitCode = exitCode === 0 ? 0 : 2;
  } else {
    throw error;
  }
}
