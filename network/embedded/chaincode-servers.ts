// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { EmbeddedLedgerError } from './errors.js';
import { NETWORK_FOLDER } from '../topology/topology.js';

/** What a chaincode server is started from. */
export interface ChaincodeServerOptions {
  readonly name: string;
  /** Directory with the chaincode's package.json. */
  readonly path: string;
  /** `host:port` to listen on. */
  readonly address: string;
  /** Chaincode id that it registers with: on Fabric, the package id. Default: name and version 1.0. */
  readonly id?: string;
  /** Organisation whose peers run it; the contracts compare it with the caller's. */
  readonly mspId: string;
  /** File that gets its output; inherited if absent. */
  readonly log?: string;
  /** Whether it outlives this process. */
  readonly detached?: boolean;
}

/** Checkout of this project. */
const ROOT = resolve(NETWORK_FOLDER, '..');

/** Starts `fabric-chaincode-node server`, unmodified, for a built chaincode. It serves whoever dials it. */
export function startChaincodeServer(options: ChaincodeServerOptions): ChildProcess {
  const command = join(ROOT, 'chaincode', 'node_modules', 'fabric-shim', 'cli.js');
  if (!existsSync(command)) {
    throw new EmbeddedLedgerError('CONFIG_INVALID', 'chaincode/node_modules is missing; npm run build installs it');
  }
  const output = options.log === undefined ? 'inherit' : openSync(options.log, 'a', 0o600);
  const id = options.id ?? `${options.name}:1.0`;
  const child = spawn(
    process.execPath,
    [command, 'server', '--chaincode-address', options.address, '--chaincode-id', id],
    {
      cwd: options.path,
      detached: options.detached ?? false,
      stdio: ['ignore', output, output],
      // It writes a line per transaction at its default level.
      env: { ...process.env, CORE_CHAINCODE_LOGGING_LEVEL: 'error', CORE_PEER_LOCALMSPID: options.mspId },
    },
  );
  if (typeof output === 'number') {
    closeSync(output);
  }
  return child;
}

/** A port that is free now. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        done(port);
      });
    });
  });
}

/**
 * Starts servers of built contracts that stay, for `deployCC`; {@link stopChaincodeServers} ends them.
 *
 * @param mspId the control center's
 */
export async function startChaincodeServers<T extends { readonly name: string }>(
  directory: string,
  chaincodes: readonly T[],
  mspId: string,
): Promise<(T & { readonly address: string })[]> {
  stopChaincodeServers(directory);
  const started: (T & { readonly address: string })[] = [];
  const pids: number[] = [];
  for (const chaincode of chaincodes) {
    const path = join(ROOT, 'chaincode', 'build', chaincode.name);
    if (!existsSync(path)) {
      throw new EmbeddedLedgerError('CONFIG_INVALID', `${path} is missing; npm run build makes it`);
    }
    const address = `127.0.0.1:${await freePort()}`;
    const log = join(directory, `${chaincode.name}.log`);
    const child = startChaincodeServer({
      name: chaincode.name,
      path,
      address,
      mspId,
      log,
      detached: true,
    });
    child.unref();
    pids.push(child.pid!);
    started.push({ ...chaincode, address });
  }
  writeFileSync(pidFile(directory), JSON.stringify(pids), { mode: 0o600 });
  return started;
}

/** Ends the servers that {@link startChaincodeServers} started for the directory. */
export function stopChaincodeServers(directory: string): void {
  if (!existsSync(pidFile(directory))) {
    return;
  }
  for (const pid of JSON.parse(readFileSync(pidFile(directory), 'utf8')) as number[]) {
    try {
      process.kill(pid);
    } catch {
      // it has ended by itself
    }
  }
  rmSync(pidFile(directory));
}

function pidFile(directory: string): string {
  return join(directory, 'chaincode-servers.json');
}
