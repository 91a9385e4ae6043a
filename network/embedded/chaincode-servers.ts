// SPDX-License-Identifier: Apache-2.0
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddedLedgerError } from './errors.js';
import { NETWORK_FOLDER } from '../topology/topology.js';

/** Checkout of this project. */
const ROOT = resolve(NETWORK_FOLDER, '..');

/** A server that ended is started again after this pause. */
const RESTART_MILLISECONDS = 1_000;

/** Ends a chaincode server when the process that started it has ended, even by SIGKILL. */
const LEAVE_WITH_PARENT = 'data:text/javascript,process.once("disconnect",()=>process.exit())';

/** Chaincode server to start. */
export interface ChaincodeServerOptions {
  readonly name: string;
  /** Directory with the chaincode's package.json. Default: the project's own build of that name. */
  readonly path?: string;
  /** `host:port` to listen on. */
  readonly address: string;
  /** Chaincode id that it registers with: on Fabric, the package id. Default: name and version 1.0. */
  readonly id?: string;
  /** Organisation whose peers run it; the contracts compare it with the caller's. */
  readonly mspId: string;
}

/** Command that runs `fabric-chaincode-node server`, unmodified. */
export interface ChaincodeServerCommand {
  readonly script: string;
  readonly args: readonly string[];
  readonly nodeArgs: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** @throws EmbeddedLedgerError `CONFIG_INVALID` if shim or chaincode has not been built */
export function chaincodeServerCommand({
  name,
  path = join(ROOT, 'chaincode', 'build', name),
  address,
  id = `${name}:1.0`,
  mspId,
}: ChaincodeServerOptions): ChaincodeServerCommand {
  const script = join(ROOT, 'chaincode', 'node_modules', 'fabric-shim', 'cli.js');
  for (const needed of [script, path]) {
    if (!existsSync(needed)) {
      throw new EmbeddedLedgerError('CONFIG_INVALID', `${needed} is missing; run npm run build`);
    }
  }
  return {
    script,
    args: ['server', '--chaincode-address', address, '--chaincode-id', id],
    nodeArgs: ['--import', LEAVE_WITH_PARENT],
    // The shim writes a line per transaction at its default level.
    environment: { CORE_CHAINCODE_LOGGING_LEVEL: 'error', CORE_PEER_LOCALMSPID: mspId },
    directory: path,
  };
}

/**
 * Starts a chaincode server, which serves the peer that dials it and ends with this process.
 *
 * @param log file that gets its output; inherited if absent
 * @throws EmbeddedLedgerError `CONFIG_INVALID`
 */
export function startChaincodeServer(options: ChaincodeServerOptions, log?: string): ChildProcess {
  const { script, args, nodeArgs, environment, directory } = chaincodeServerCommand(options);
  const output = log === undefined ? 'inherit' : openSync(log, 'a', 0o600);
  const child = fork(script, [...args], {
    cwd: directory,
    execArgv: [...nodeArgs],
    stdio: ['ignore', output, output, 'ipc'],
    env: { ...process.env, ...environment },
  });
  if (typeof output === 'number') {
    closeSync(output);
  }
  return child;
}

/** A chaincode server that the ledger process keeps running. */
export class ChaincodeServer {
  readonly #options: ChaincodeServerOptions;
  readonly #log: string;
  #process: ChildProcess;
  #restart: NodeJS.Timeout | undefined;

  /** @throws EmbeddedLedgerError `CONFIG_INVALID` */
  constructor(options: ChaincodeServerOptions, log: string) {
    this.#options = options;
    this.#log = log;
    this.#process = this.#start();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#restart);
    const server = this.#process;
    server.removeAllListeners('exit');
    if (server.exitCode === null && server.signalCode === null) {
      server.kill();
      await once(server, 'exit');
    }
  }

  #start(): ChildProcess {
    const server = startChaincodeServer(this.#options, this.#log);
    server.once('exit', () => {
      this.#restart = setTimeout(() => (this.#process = this.#start()), RESTART_MILLISECONDS);
    });
    return server;
  }
}
