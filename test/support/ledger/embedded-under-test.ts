// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, startChaincodeServer } from '../../../network/embedded/chaincode-servers.js';
import { startEmbeddedLedger, type EmbeddedLedger } from '../../../network/embedded/embedded-ledger.js';
import type { UserIdentity } from '../../../network/topology/network-directory.js';
import { NETWORK_FOLDER, type Topology } from '../../../network/topology/topology.js';
import type { OwnLedger } from './ledger.js';

/** The one process that is all peers and all orderers. */
const LEDGER_PROCESS = 'ledger';

interface ChaincodeServer {
  readonly address: string;
  readonly process: ChildProcess;
}

/** The development ledger with the built chaincodes. */
export class EmbeddedUnderTest implements OwnLedger {
  readonly topology: Topology;
  readonly #servers = new Map<string, ChaincodeServer>();
  #ledger: EmbeddedLedger;
  readonly #killAll = (): void => {
    this.#ledger.process?.kill('SIGKILL');
    for (const { process } of this.#servers.values()) {
      process.kill('SIGKILL');
    }
  };

  private constructor(
    readonly directory: string,
    ledger: EmbeddedLedger,
  ) {
    this.#ledger = ledger;
    this.topology = ledger.topology;
    process.once('exit', this.#killAll);
  }

  static async start(): Promise<EmbeddedUnderTest> {
    const directory = mkdtempSync(join(tmpdir(), 'gridveil-ledger-'));
    const ledger = await startEmbeddedLedger({ directory });
    const started = new EmbeddedUnderTest(directory, ledger);
    await ledger.createChannels();
    await started.#deploy('1.0');
    return started;
  }

  get organizations(): string {
    return this.#ledger.organizations;
  }

  connectionProfile(mspId: string): string {
    return this.#ledger.connectionProfile(mspId);
  }

  user(mspId: string, user?: string): UserIdentity {
    return this.#ledger.user(mspId, user);
  }

  orderingLeader(): Promise<string> {
    return Promise.resolve(LEDGER_PROCESS);
  }

  async kill(name: string): Promise<void> {
    const child = name === LEDGER_PROCESS ? this.#ledger.process : undefined;
    if (child === undefined) {
      throw new Error(`the embedded ledger has no process ${name}`);
    }
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async revive(): Promise<void> {
    if (this.#ledger.pid === undefined) {
      this.#ledger = await startEmbeddedLedger({ directory: this.directory });
    }
  }

  async restart(): Promise<void> {
    await this.#ledger.stop();
    await this.revive();
  }

  deployOn(channel: string, chaincode: string): Promise<void> {
    const { address } = this.#servers.get(chaincode)!;
    return this.#ledger.deployChaincode({ name: chaincode, channel, address });
  }

  upgrade(): Promise<void> {
    return this.#deploy('1.1');
  }

  async stop(): Promise<void> {
    await this.#ledger.stop();
    for (const { process } of this.#servers.values()) {
      process.kill();
    }
    process.off('exit', this.#killAll);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A new version gets new servers; the old ones answer until it is defined. */
  async #deploy(version: string): Promise<void> {
    for (const { name, channel } of this.topology.chaincodes) {
      const old = this.#servers.get(name);
      const address = `127.0.0.1:${await freePort()}`;
      const process = startChaincodeServer({
        name,
        path: resolve(NETWORK_FOLDER, '..', 'chaincode', 'build', name),
        address,
        mspId: this.topology.roles.controlCenter,
        log: join(this.directory, `${name}.log`),
      });
      this.#servers.set(name, { address, process });
      await this.#ledger.deployChaincode({ name, channel, address, version });
      old?.process.kill();
    }
  }
}
