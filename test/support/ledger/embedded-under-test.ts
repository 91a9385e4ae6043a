// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedLedger, type EmbeddedLedger } from '../../../network/embedded/embedded-ledger.js';
import type { UserIdentity } from '../../../network/topology/network-directory.js';
import type { Topology } from '../../../network/topology/topology.js';
import type { OwnLedger } from './ledger.js';

/** The one process that is all peers and all orderers. */
const LEDGER_PROCESS = 'ledger';

/** The development ledger with the built chaincodes. */
export class EmbeddedUnderTest implements OwnLedger {
  readonly topology: Topology;
  #ledger: EmbeddedLedger;
  readonly #killAll = (): void => {
    this.#ledger.process?.kill('SIGKILL');
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
    if (!(await this.#ledger.isRunning())) {
      this.#ledger = await startEmbeddedLedger({ directory: this.directory });
    }
  }

  async restart(): Promise<void> {
    await this.#ledger.stop();
    await this.revive();
  }

  async deployOn(channel: string, chaincode: string): Promise<void> {
    const { chaincodes } = await this.#ledger.status();
    const { address } = chaincodes.find(({ name }) => name === chaincode)!;
    return this.#ledger.deployChaincode({ name: chaincode, channel, address });
  }

  upgrade(): Promise<void> {
    return this.#deploy('1.1');
  }

  async stop(): Promise<void> {
    await this.#ledger.stop();
    process.off('exit', this.#killAll);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #deploy(version: string): Promise<void> {
    for (const { name, channel } of this.topology.chaincodes) {
      await this.#ledger.deployChaincode({ name, channel, version });
    }
  }
}
