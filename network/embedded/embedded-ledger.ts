// SPDX-License-Identifier: Apache-2.0
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { askLedger, type ControlRequest } from './control.js';
import { EmbeddedLedgerError } from './errors.js';
import type { UserIdentity } from '../topology/network-directory.js';
import { isRunning, LedgerDirectory } from './ledger-directory.js';
import type { LedgerStatus } from './ledger-node.js';
import { defaultTopologyPath, readTopology, type Topology } from '../topology/topology.js';

/** Certificates take half a second; a slow disk much more. */
const START_TIMEOUT_MILLISECONDS = 60_000;
const STOP_TIMEOUT_MILLISECONDS = 30_000;

/** What {@link startEmbeddedLedger} needs. */
export interface EmbeddedLedgerConfig {
  /** Directory of the ledger's files; created if it is not there, continued if it is. */
  readonly directory: string;
  /** Default: {@link defaultTopologyPath}. */
  readonly topologyPath?: string;
  /** Default `free`: several ledgers on one machine do not get in each other's way. */
  readonly ports?: 'topology' | 'free';
  /** Whether the ledger outlives this process. Default false. */
  readonly stay?: boolean;
}

/** A chaincode server to define on a channel. */
export interface ChaincodeDeployment {
  readonly name: string;
  readonly channel: string;
  /** `host:port`. */
  readonly address: string;
  /** Default `1.0`. */
  readonly version?: string;
}

/**
 * Starts the ledger process and waits until it serves what the directory holds; a new one has no channels yet.
 * @throws EmbeddedLedgerError
 */
export async function startEmbeddedLedger(config: EmbeddedLedgerConfig): Promise<EmbeddedLedger> {
  const topologyPath = config.topologyPath ?? defaultTopologyPath();
  const topology = readTopology(topologyPath);
  const directory = new LedgerDirectory(resolve(config.directory));
  directory.create();
  const child = await launch(directory, topologyPath, config);
  return new EmbeddedLedger(directory, topology, child);
}

/** A handle on a ledger process, started here or found running. */
export class EmbeddedLedger {
  readonly topology: Topology;
  readonly #directory: LedgerDirectory;
  readonly #child: ChildProcess | undefined;

  constructor(directory: LedgerDirectory, topology: Topology, child?: ChildProcess) {
    this.#directory = directory;
    this.topology = topology;
    this.#child = child;
  }

  /** `organizations/`, in cryptogen's layout. */
  get organizations(): string {
    return this.#directory.organizations;
  }

  /** Process id; undefined if it does not run. */
  get pid(): number | undefined {
    return this.#directory.readControl()?.pid;
  }

  /** The child process, if it was started here. */
  get process(): ChildProcess | undefined {
    return this.#child;
  }

  /** @returns path of `connection-<org>.json`. @throws TopologyError `NOT_FOUND` */
  connectionProfile(mspId: string): string {
    return this.#directory.profile(this.topology, mspId);
  }

  /** @param user `User1` (applications) or `Admin`. @throws TopologyError `NOT_FOUND` */
  user(mspId: string, user = 'User1'): UserIdentity {
    return this.#directory.user(this.topology, mspId, user);
  }

  /** Creates those of the channels named that do not exist; all of the topology by default. */
  async createChannels(names = this.topology.channels.map(({ name }) => name)): Promise<void> {
    const existing = new Set((await this.status()).channels.map(({ name }) => name));
    for (const channel of names.filter((name) => !existing.has(name))) {
      await this.#ask({ verb: 'createChannel', channel });
    }
  }

  /**
   * Defines a chaincode once its server, which the caller starts, has registered.
   * @throws EmbeddedLedgerError `CHAINCODE_UNREACHABLE`
   */
  async deployChaincode({ version = '1.0', ...deployment }: ChaincodeDeployment): Promise<void> {
    await this.#ask({ verb: 'deployChaincode', definition: { ...deployment, version } });
  }

  async status(): Promise<LedgerStatus> {
    return (await this.#ask({ verb: 'status' })) as LedgerStatus;
  }

  /** Stops the process; what is committed stays. */
  async stop(): Promise<void> {
    const { pid } = this;
    if (pid === undefined) {
      return;
    }
    await this.#ask({ verb: 'stop' });
    const end = performance.now() + STOP_TIMEOUT_MILLISECONDS;
    while (isRunning(pid) && performance.now() < end) {
      await pause(20);
    }
  }

  async #ask(request: ControlRequest): Promise<unknown> {
    const control = this.#directory.readControl();
    if (control === undefined) {
      throw new EmbeddedLedgerError('NOT_RUNNING', `no ledger serves ${this.#directory.path}`);
    }
    return askLedger(control, request);
  }
}

/** Forks `main.js serve` and waits for its `ready`. */
async function launch(
  directory: LedgerDirectory,
  topologyPath: string,
  { ports = 'free', stay = false }: EmbeddedLedgerConfig,
): Promise<ChildProcess> {
  const log = openSync(directory.log, 'a', 0o600);
  const entry = fileURLToPath(new URL('./main.js', import.meta.url));
  const args = ['serve', '--directory', directory.path, '--topology', topologyPath, '--ports', ports];
  const child = fork(entry, stay ? [...args, '--stay'] : args, {
    stdio: ['ignore', log, log, 'ipc'],
    detached: stay,
  });
  closeSync(log);
  try {
    await ready(child, directory);
  } catch (error) {
    child.kill();
    throw error;
  }
  if (stay) {
    child.disconnect();
    child.unref();
  }
  return child;
}

function ready(child: ChildProcess, directory: LedgerDirectory): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      clearTimeout(timer);
      const lastWords = readFileSync(directory.log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
      reject(new EmbeddedLedgerError('START_FAILED', `the ledger process ${reason}: ${lastWords} (${directory.log})`));
    };
    const timer = setTimeout(() => {
      fail('was not ready in time');
    }, START_TIMEOUT_MILLISECONDS);
    child.once('error', (error) => {
      fail(`could not be started (${error.message})`);
    });
    child.once('exit', (code, signal) => {
      fail(`ended with ${signal ?? `exit code ${code}`}`);
    });
    child.on('message', (message: { kind?: string; name?: string }) => {
      if (message.kind === 'report' && message.name === 'ready') {
        clearTimeout(timer);
        child.removeAllListeners('exit');
        resolve();
      }
    });
  });
}
