// SPDX-License-Identifier: Apache-2.0
import { execFile, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { CodedError } from '../../protocol/errors.js';
import { Network } from '../topology/network-directory.js';
import { defaultTopologyPath, NETWORK_FOLDER, readTopology } from '../topology/topology.js';

/** Fabric's programs that `network.sh` and the tests call. */
const BINARIES = ['peer', 'orderer', 'osnadmin', 'cryptogen', 'configtxgen', 'configtxlator'];

/** Time limit of a mode of the script; a full start takes seconds. */
const SCRIPT_MILLISECONDS = 180_000;

/** Environment of the script and of Fabric's binaries. */
export type FabricEnvironment = Readonly<Record<string, string | undefined>>;

/** Settings of a network. */
export interface FabricNetworkOptions {
  /** Directory of the network's files. Default: `GRIDVEIL_FABRIC_DIR`, then network/fabric/state. */
  readonly directory?: string;
  /** Default: `GRIDVEIL_TOPOLOGY`, then network/topology.json. */
  readonly topologyPath?: string;
  readonly environment?: FabricEnvironment;
}

/**
 * `network.sh` refused or failed, or a folder holds no network of the kind that is expected. The code is the script's own,
 * such as `PORT_TAKEN`, or `FAILED` if it gave none; or one of `DeployedTestNetwork.open`.
 */
export class FabricNetworkError extends CodedError<string> {
  override readonly name = 'FabricNetworkError';
}

/** Form of the script's refusals. */
const REFUSAL = /^network\.sh: ([A-Z][A-Z0-9_]*): /m;

/** Folder of this file's sources: the scripts are not compiled. */
const FOLDER = join(NETWORK_FOLDER, 'fabric');

/** A network of Fabric's own processes, run by `network.sh`. */
export class FabricNetwork extends Network {
  readonly topologyPath: string;
  /** Environment of the script and of Fabric's binaries. */
  readonly environment: FabricEnvironment;

  constructor({ directory, topologyPath, environment = process.env }: FabricNetworkOptions = {}) {
    const path = topologyPath ?? defaultTopologyPath(environment);
    super(directory ?? environment['GRIDVEIL_FABRIC_DIR'] ?? join(FOLDER, 'state'), readTopology(path));
    this.topologyPath = path;
    this.environment = {
      ...environment,
      PATH: [environment['FABRIC_BIN'], environment['PATH']].filter(Boolean).join(delimiter),
      FABRIC_CFG_PATH: environment['FABRIC_CFG_PATH'] ?? configurationFolder(environment),
      GRIDVEIL_FABRIC_DIR: this.directory,
      GRIDVEIL_TOPOLOGY: path,
    };
  }

  /** Names of Fabric's binaries that are neither in `FABRIC_BIN` nor on `PATH`. */
  static missingBinaries(environment: FabricEnvironment = process.env): string[] {
    const folders = binaryFolders(environment);
    return BINARIES.filter((name) => !folders.some((folder) => isExecutable(join(folder, name))));
  }

  /** Whether the directory holds a network, running or not. */
  get exists(): boolean {
    return existsSync(this.organizations);
  }

  /** Whether `deployCC` has been done. */
  get hasChaincode(): boolean {
    return existsSync(join(this.directory, 'chaincode'));
  }

  /** Process ids by name, as `up` and `deployCC` wrote them. */
  processes(): ReadonlyMap<string, number> {
    const folder = join(this.directory, 'pids');
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.pid')) : [];
    return new Map(names.map((name) => [name.slice(0, -'.pid'.length), readProcessId(join(folder, name))]));
  }

  /** Runs modes with flags, such as `up createChannel`. @throws FabricNetworkError with what the script says */
  run(...args: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const options = { env: this.environment, timeout: SCRIPT_MILLISECONDS };
      execFile(join(FOLDER, 'network.sh'), args, options, (cause, _, stderr) => {
        if (cause === null) {
          resolve();
          return;
        }
        const text = `network.sh ${args.join(' ')}: ${stderr.trim() || cause.message}`;
        reject(new FabricNetworkError(REFUSAL.exec(stderr)?.[1] ?? 'FAILED', text, { cause }));
      });
    });
  }

  /** `down`, from an exit handler, which cannot wait. */
  downNow(): void {
    spawnSync(join(FOLDER, 'network.sh'), ['down'], { env: this.environment, stdio: 'ignore' });
  }
}

/** Folder of core.yaml: beside that of the binaries, as in Fabric's release. */
function configurationFolder(environment: FabricEnvironment): string | undefined {
  const binaries = binaryFolders(environment).find((folder) => isExecutable(join(folder, 'peer')));
  return binaries && join(dirname(binaries), 'config');
}

function binaryFolders(environment: FabricEnvironment): string[] {
  return [environment['FABRIC_BIN'], ...(environment['PATH'] ?? '').split(delimiter)].flatMap((folder) => folder || []);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A pid file holds the id, then a mark of the command line. */
function readProcessId(path: string): number {
  return Number(readFileSync(path, 'utf8').split('\n', 1)[0]);
}
