// SPDX-License-Identifier: Apache-2.0
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { askLedger, type ControlRequest } from './control.js';
import { EmbeddedLedgerError, type EmbeddedLedgerErrorCode } from './errors.js';
import { Network } from '../topology/network-directory.js';
import { isRunning, LedgerDirectory } from './ledger-directory.js';
import { Database } from './ledger/database.js';
import type { ChaincodeDeployment, LedgerStatus } from './ledger-node.js';
import { defaultTopologyPath, readTopology, type Topology } from '../topology/topology.js';

/** Certificates take half a second; a slow disk much more. */
const START_TIMEOUT_MILLISECONDS = 60_000;
const STOP_TIMEOUT_MILLISECONDS = 30_000;

/** Settings of the ledger process. */
export interface LedgerProcessOptions {
  readonly directory: string;
  readonly topologyPath: string;
  /** Ports of a new ledger: those of the topology, or any that are free. A later start uses the same ones. */
  readonly ports: 'topology' | 'free';
  /** Whether the ledger outlives the process that started it. */
  readonly stay: boolean;
}

/** Script and arguments of the ledger process. */
export function ledgerProcessCommand({ directory, topologyPath, ports, stay }: LedgerProcessOptions): {
  readonly script: string;
  readonly args: readonly string[];
} {
  const args = ['--directory', directory, '--topology', topologyPath, '--ports', ports];
  return {
    script: fileURLToPath(new URL('./ledger-process.js', import.meta.url)),
    args: stay ? [...args, '--stay'] : args,
  };
}

/** A ledger to start. */
export interface EmbeddedLedgerConfig {
  /** Directory of the ledger's files; created if it is not there, continued if it is. */
  readonly directory: string;
  /** Default: {@link defaultTopologyPath}. */
  readonly topologyPath?: string;
  /** Ports of a new ledger. Default `free`, so that several ledgers run on one machine. */
  readonly ports?: LedgerProcessOptions['ports'];
  /** Whether the ledger outlives this process. Default false. */
  readonly stay?: boolean;
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
  const { ports = 'free', stay = false } = config;
  const child = await launch(directory, { directory: directory.path, topologyPath, ports, stay });
  return new EmbeddedLedger(directory, topology, child);
}

/** A handle on a ledger process, started here or found running. */
export class EmbeddedLedger extends Network {
  readonly #files: LedgerDirectory;

  /** @param process the child process, if it was started here */
  constructor(
    files: LedgerDirectory,
    topology: Topology,
    readonly process?: ChildProcess,
  ) {
    super(files.path, topology);
    this.#files = files;
  }

  /** Opens the ledger of a directory, running or not. @throws TopologyError `CONFIG_INVALID` */
  static open(directory: string, topologyPath: string): EmbeddedLedger {
    return new EmbeddedLedger(new LedgerDirectory(directory), readTopology(topologyPath));
  }

  /** Whether there is anything at the directory's path. */
  get exists(): boolean {
    return existsSync(this.directory);
  }

  /** @throws EmbeddedLedgerError `NOT_RUNNING` if there is no ledger to start again */
  requireExisting(): void {
    if (this.#files.readPorts() === undefined) {
      throw new EmbeddedLedgerError('NOT_RUNNING', `${this.directory} contains no ledger; create one with up`);
    }
  }

  /** Creates those of the channels named that do not exist; all of the topology by default. */
  async createChannels(names = this.topology.channels.map(({ name }) => name)): Promise<void> {
    const existing = new Set((await this.status()).channels.map(({ name }) => name));
    for (const channel of names.filter((name) => !existing.has(name))) {
      await this.#ask({ verb: 'createChannel', channel });
    }
  }

  /**
   * Defines a chaincode once its server has registered.
   * @throws EmbeddedLedgerError `NOT_FOUND`, `CHAINCODE_UNREACHABLE`
   */
  async deployChaincode(deployment: ChaincodeDeployment): Promise<void> {
    await this.#ask({ verb: 'deployChaincode', deployment });
  }

  /** Whether a process serves the directory. Its answer says so, not its id: another process may have that by now. */
  async isRunning(): Promise<boolean> {
    return this.status().then(
      () => true,
      (error: unknown) => {
        if (error instanceof EmbeddedLedgerError && error.code === 'NOT_RUNNING') {
          return false;
        }
        throw error;
      },
    );
  }

  async status(): Promise<LedgerStatus> {
    return (await this.#ask({ verb: 'status' })) as LedgerStatus;
  }

  /** Stops the process, if it runs; what is committed stays. */
  async stop(): Promise<void> {
    if (!(await this.isRunning())) {
      return;
    }
    const { pid } = this.#files.readControl()!;
    await this.#ask({ verb: 'stop' });
    const end = performance.now() + STOP_TIMEOUT_MILLISECONDS;
    while (isRunning(pid) && performance.now() < end) {
      await pause(20);
    }
  }

  /**
   * Stops the process and removes its directory.
   * @throws EmbeddedLedgerError `ALREADY_RUNNING` while a process holds the database and does not answer; `NOT_OURS`
   */
  async remove(): Promise<void> {
    await this.stop();
    if (existsSync(this.#files.database)) {
      await requireUnlocked(this.#files.database);
    }
    this.#files.remove();
  }

  async #ask(request: ControlRequest): Promise<unknown> {
    const control = this.#files.readControl();
    if (control === undefined) {
      throw new EmbeddedLedgerError('NOT_RUNNING', `the ledger in ${this.directory} is not running; start it with up`);
    }
    return askLedger(control, request);
  }
}

/** A database that cannot be opened for another reason than its lock may be removed all the same. */
async function requireUnlocked(path: string): Promise<void> {
  try {
    await (await Database.open(path)).close();
  } catch (error) {
    if (error instanceof EmbeddedLedgerError && error.code === 'ALREADY_RUNNING') {
      throw error;
    }
  }
}

/** Forks the ledger process and waits for its `ready`. */
async function launch(directory: LedgerDirectory, options: LedgerProcessOptions): Promise<ChildProcess> {
  const { stay } = options;
  const log = openSync(directory.log, 'a', 0o600);
  const { script, args } = ledgerProcessCommand(options);
  const child = fork(script, [...args], { stdio: ['ignore', log, log, 'ipc'], detached: stay });
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

/** Reports of the ledger process over IPC. */
type ProcessReport =
  | { readonly name: 'ready' }
  | { readonly name: 'failed'; readonly data: { readonly code: EmbeddedLedgerErrorCode; readonly message: string } };

function ready(child: ChildProcess, directory: LedgerDirectory): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: EmbeddedLedgerError): void => {
      clearTimeout(timer);
      reject(error);
    };
    const fail = (reason: string): void => {
      const lastLine = readFileSync(directory.log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
      refuse(new EmbeddedLedgerError('START_FAILED', `the ledger process ${reason}: ${lastLine} (${directory.log})`));
    };
    const timer = setTimeout(() => fail('was not ready in time'), START_TIMEOUT_MILLISECONDS);
    child.once('error', (error) => fail(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? `exit code ${code}`}`));
    child.on('message', (report: ProcessReport) => {
      child.removeAllListeners('exit');
      if (report.name === 'failed') {
        refuse(new EmbeddedLedgerError(report.data.code, report.data.message));
      } else {
        clearTimeout(timer);
        resolve();
      }
    });
  });
}
