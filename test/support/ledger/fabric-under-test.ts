// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isRunning } from '../../../network/embedded/ledger-directory.js';
import type { UserIdentity } from '../../../network/topology/network-directory.js';
import { defaultTopologyPath } from '../../../network/topology/topology.js';
import { FabricNetwork } from '../../../network/fabric/fabric-network.js';
import { AdministeredFabric, type Orderer } from './administered-fabric.js';
import { movedTopology } from './free-topology.js';
import type { OwnLedger } from './ledger.js';
import type { Consensus } from './kind.js';

/** The part of topology.json that only a network of the tests' own needs. */
interface OrderingTopology {
  readonly ordering: {
    readonly organizations: readonly {
      readonly domain: string;
      readonly orderers: readonly { readonly name: string; readonly host: string; readonly operationsPort: number }[];
    }[];
    readonly consenters: Readonly<Record<Consensus, readonly string[]>>;
  };
}

/** Fabric itself: a network of `network.sh`, on ports of its own. */
export class FabricUnderTest extends AdministeredFabric implements OwnLedger {
  readonly #ordering: OrderingTopology['ordering'];
  readonly #downNow = (): void => this.network.downNow();

  readonly #root: string;

  private constructor(
    root: string,
    network: FabricNetwork,
    readonly consensus: Consensus,
  ) {
    super(network);
    this.#root = root;

    this.#ordering = (JSON.parse(readFileSync(network.topologyPath, 'utf8')) as OrderingTopology).ordering;
    process.once('exit', this.#downNow);
  }

  static async start(consensus: Consensus): Promise<FabricUnderTest> {
    const root = mkdtempSync(join(tmpdir(), 'gridveil-fabric-'));
    const topologyPath = join(root, 'topology.json');
    writeFileSync(topologyPath, JSON.stringify(await movedTopology(defaultTopologyPath())));
    const network = new FabricNetwork({ directory: join(root, 'network'), topologyPath });
    const started = new FabricUnderTest(root, network, consensus);
    try {
      await network.run('up', 'createChannel', 'deployCC', ...(consensus === 'bft' ? ['-bft'] : []));
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  get directory(): string {
    return this.network.directory;
  }

  get organizations(): string {
    return this.network.organizations;
  }

  connectionProfile(mspId: string): string {
    return this.network.connectionProfile(mspId);
  }

  user(mspId: string, user?: string): UserIdentity {
    return this.network.user(mspId, user);
  }

  override get orderers(): readonly Orderer[] {
    return this.orderersOf(this.#ordering.consenters[this.consensus]);
  }

  async orderingLeader(channel: string): Promise<string> {
    for (const { name } of this.orderers) {
      const metrics = await fetch(this.#metricsUrl(name)).then((response) => response.text());
      // Raft's own metric says who leads; SmartBFT numbers its consenters from 1.
      if (metrics.includes(`consensus_etcdraft_is_leader{channel="${channel}"} 1`)) {
        return name;
      }
      const leader = new RegExp(`^consensus_BFT_leader_id\\{channel="${channel}"\\} (\\d+)`, 'm').exec(metrics)?.[1];
      if (leader !== undefined) {
        return this.orderers[Number(leader) - 1]!.name;
      }
    }
    throw new Error(`no orderer says who leads ${channel}`);
  }

  async kill(name: string): Promise<void> {
    const pid = this.network.processes().get(name);
    if (pid === undefined) {
      throw new Error(`the network has no process ${name}`);
    }
    process.kill(pid, 'SIGKILL');
    while (isRunning(pid)) {
      await pause(10);
    }
  }

  revive(): Promise<void> {
    return this.network.run('up');
  }

  restart(): Promise<void> {
    return this.network.run('restart');
  }

  upgrade(): Promise<void> {
    return this.network.run('deployCC', '-ccv', '1.1');
  }

  async stop(): Promise<void> {
    process.off('exit', this.#downNow);
    await this.network.run('down');
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** A folder for a test's own files; removed with the network. */
  scratch(name: string): string {
    const folder = join(this.#root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #metricsUrl(orderer: string): string {
    for (const { domain, orderers } of this.#ordering.organizations) {
      const found = orderers.find(({ name }) => `${name}.${domain}` === orderer);
      if (found !== undefined) {
        return `http://${found.host}:${found.operationsPort}/metrics`;
      }
    }
    throw new Error(`the topology has no orderer ${orderer}`);
  }
}
