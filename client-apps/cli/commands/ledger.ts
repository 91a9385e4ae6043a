// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Option, type Command } from 'commander';
import type { EmbeddedLedger, LedgerProcessOptions } from '../../../network/embedded/embedded-ledger.js';
import { defaultTopologyPath } from '../../../network/topology/topology.js';
import { ClientError } from '../../runtime/errors.js';
import { onRun, type Result } from '../output.js';
import { statusResult } from '../render/ledger.js';

const DEFAULT_DIRECTORY = 'build/embedded-ledger';

interface LedgerOptions {
  directory: string;
  topology: string;
}

/** `gridveil ledger up|createChannel|deployCC|status|restart|stop|down`: the modes of `network/fabric/network.sh`. */
export function addLedger(program: Command): void {
  const ledger = program
    .command('ledger')
    .description("the development ledger: Fabric's gRPC services in one process; not for production");

  const up = withLedger(ledger, 'up', 'create missing certificates, and start what is not running').addOption(
    new Option('--ports <which>', "ports of a new ledger, kept on later starts: the topology's, or any that are free")
      .choices(['topology', 'free'])
      .default('topology'),
  );
  onRun<LedgerOptions & Pick<LedgerProcessOptions, 'ports'>>(up, async (options) => {
    const found = await openLedger(options);
    return statusOf((await found.isRunning()) ? found : await start(options, options.ports));
  });

  const createChannel = withLedger(
    ledger,
    'createChannel',
    'create the missing channels of the topology, or one of them',
  ).option('-c, --channel <name>', 'only this channel');
  onRun<LedgerOptions & { channel?: string }>(createChannel, async ({ channel, ...options }) => {
    const found = await openLedger(options);
    await found.createChannels(channel === undefined ? undefined : [channel]);
    return statusOf(found);
  });

  const deployCC = withLedger(
    ledger,
    'deployCC',
    'deploy chaincodes: start new servers, define them, stop the old ones',
  )
    .option('-c, --channel <name>', 'only the chaincodes of this channel')
    .option('--address <host:port>', 'address of a chaincode server that is already running; requires --channel')
    .option('--ccv <version>', 'chaincode version (default: that of the definition, or 1.0)');
  onRun<LedgerOptions & { channel?: string; address?: string; ccv?: string }>(
    deployCC,
    async ({ channel, address, ccv, ...options }) => {
      if (address !== undefined && channel === undefined) {
        throw new ClientError('WRONG_USE', '--address requires --channel');
      }
      const found = await openLedger(options);
      const chosen = found.topology.chaincodes.filter((each) => channel === undefined || each.channel === channel);
      if (chosen.length === 0) {
        throw new ClientError('WRONG_USE', `the topology has no chaincode on channel ${channel}`);
      }
      for (const chaincode of chosen) {
        await found.deployChaincode({ name: chaincode.name, channel: chaincode.channel, version: ccv, address });
      }
      return statusOf(found);
    },
  );

  const status = withLedger(ledger, 'status', 'show endpoints, channels and chaincodes; fails if a server is down');
  onRun<LedgerOptions>(status, async (options) => statusOf(await openLedger(options)));

  const restart = withLedger(ledger, 'restart', 'stop the ledger and start it again with its data');
  onRun<LedgerOptions>(restart, async (options) => {
    const found = await openLedger(options);
    found.requireExisting();
    await found.stop();
    return statusOf(await start(options));
  });

  const stop = withLedger(ledger, 'stop', 'stop the ledger and its chaincode servers; its data stays');
  onRun<LedgerOptions>(stop, async (options) => {
    await (await openLedger(options)).stop();
    return { data: { directory: options.directory }, text: [`stopped; ${options.directory} keeps its data`] };
  });

  const down = withLedger(ledger, 'down', 'stop the ledger and delete all its data').option(
    '--yes',
    'delete without asking',
  );
  onRun<LedgerOptions & { yes?: true }>(down, async ({ yes, directory, ...options }) => {
    const found = await openLedger({ directory, ...options });
    if (found.exists && yes !== true && !(await confirms(directory))) {
      return { ok: false, data: { directory, deleted: false }, text: ['nothing was deleted'] };
    }
    await found.remove();
    return { data: { directory, deleted: true }, text: [`stopped; ${directory} is deleted`] };
  });
}

function withLedger(ledger: Command, name: string, description: string): Command {
  return ledger
    .command(name)
    .description(description)
    .option('--directory <path>', 'directory of the ledger', DEFAULT_DIRECTORY)
    .option('--topology <file>', 'organisations, channels and ports', defaultTopologyPath());
}

async function openLedger({ directory, topology }: LedgerOptions): Promise<EmbeddedLedger> {
  const { EmbeddedLedger } = await import('../../../network/embedded/embedded-ledger.js');
  return EmbeddedLedger.open(resolve(directory), topology);
}

async function start(
  { directory, topology }: LedgerOptions,
  ports?: LedgerProcessOptions['ports'],
): Promise<EmbeddedLedger> {
  const { startEmbeddedLedger } = await import('../../../network/embedded/embedded-ledger.js');
  return startEmbeddedLedger({ directory, topologyPath: topology, stay: true, ...(ports && { ports }) });
}

async function statusOf(ledger: EmbeddedLedger): Promise<Result> {
  const { data, ...result } = statusResult(await ledger.status());
  return { ...result, data: { organizations: ledger.organizations, ...data } };
}

/** @throws ClientError WRONG_USE without a terminal to ask on */
async function confirms(directory: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new ClientError(
      'WRONG_USE',
      `down deletes ${directory} with all its data: without a terminal it requires --yes`,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Delete ${directory} with all its data? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
