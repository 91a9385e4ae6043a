// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { defaultTopologyPath } from '../../network/embedded/embedded-ledger.js';
import { isRunning, type UserIdentity } from '../../network/embedded/ledger-directory.js';
import type { Topology } from '../../network/embedded/topology.js';
import { FabricNetwork } from '../../network/fabric/fabric-network.js';
import { movedTopology } from './free-topology.js';
import type { LedgerUnderTest } from './ledger-under-test.js';

const run = promisify(execFile);

/** A command that waits for a commit, on a machine that has other things to do. */
const COMMAND_MILLISECONDS = 120_000;
/** A config block is 60 kB, twice that as JSON. */
const COMMAND_OUTPUT_BYTES = 16 * 1024 * 1024;

/** The part of topology.json that only Fabric needs. */
interface FabricTopology {
  readonly organizations: readonly {
    readonly mspId: string;
    readonly domain: string;
    readonly peers: readonly { readonly name: string; readonly host: string; readonly port: number }[];
  }[];
  readonly ordering: {
    readonly organizations: readonly {
      readonly domain: string;
      readonly orderers: readonly {
        readonly name: string;
        readonly host: string;
        readonly port: number;
        readonly operationsPort: number;
      }[];
    }[];
    readonly consenters: Readonly<Record<Consensus, readonly string[]>>;
  };
}

export type Consensus = 'raft' | 'bft';

/** An orderer process. */
export interface Orderer {
  readonly name: string;
  readonly address: string;
  /** Its organisation's TLS root, PEM file. */
  readonly tlsRootPath: string;
  readonly metricsUrl: string;
}

/** Fabric itself: a network of `network.sh`, on ports of its own. */
export class FabricUnderTest implements LedgerUnderTest {
  readonly topology: Topology;
  readonly #fabricTopology: FabricTopology;
  readonly #downNow = (): void => this.network.downNow();

  private constructor(
    private readonly root: string,
    readonly network: FabricNetwork,
    readonly consensus: Consensus,
  ) {
    this.topology = network.topology;
    this.#fabricTopology = JSON.parse(readFileSync(network.topologyPath, 'utf8')) as FabricTopology;
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

  /** The orderers of this network's consensus. */
  get orderers(): readonly Orderer[] {
    const { organizations, consenters } = this.#fabricTopology.ordering;
    const all = organizations.flatMap(({ domain, orderers }) =>
      orderers.map(({ name, host, port, operationsPort }) => ({
        name: `${name}.${domain}`,
        address: `${host}:${port}`,
        tlsRootPath: join(this.organizations, 'ordererOrganizations', domain, 'tlsca', `tlsca.${domain}-cert.pem`),
        metricsUrl: `http://${host}:${operationsPort}/metrics`,
      })),
    );
    return consenters[this.consensus].map((name) => all.find((orderer) => orderer.name === name)!);
  }

  async orderingLeader(channel: string): Promise<string> {
    for (const orderer of this.orderers) {
      const metrics = await fetch(orderer.metricsUrl).then((response) => response.text());
      // Raft's own metric says who leads; SmartBFT numbers its consenters from 1.
      if (metrics.includes(`consensus_etcdraft_is_leader{channel="${channel}"} 1`)) return orderer.name;
      const leader = new RegExp(`^consensus_BFT_leader_id\\{channel="${channel}"\\} (\\d+)`, 'm').exec(metrics)?.[1];
      if (leader !== undefined) return this.orderers[Number(leader) - 1]!.name;
    }
    throw new Error(`no orderer says who leads ${channel}`);
  }

  async kill(name: string): Promise<void> {
    const pid = this.network.processes().get(name);
    if (pid === undefined) throw new Error(`the network has no process ${name}`);
    process.kill(pid, 'SIGKILL');
    while (isRunning(pid)) await pause(10);
  }

  revive(): Promise<void> {
    return this.network.run('up');
  }

  restart(): Promise<void> {
    return this.network.run('restart');
  }

  async deployOn(channel: string, chaincode: string): Promise<void> {
    const definition = ['-C', channel, '-n', chaincode, '-v', '1.0', '--sequence', '1'];
    definition.push('--signature-policy', this.topology.policies.endorsement);
    const packageId = this.packageId(chaincode);
    await this.lifecycle('ControlCenterMSP', 'approveformyorg', ...definition, '--package-id', packageId);
    await this.lifecycle('ServiceProviderMSP', 'approveformyorg', ...definition);
    const endorsers = this.peersOf('ControlCenterMSP', 'ServiceProviderMSP');
    await this.lifecycle('ControlCenterMSP', 'commit', ...definition, ...endorsers);
  }

  upgrade(version: string): Promise<void> {
    return this.network.run('deployCC', '-ccv', version);
  }

  async stop(): Promise<void> {
    process.off('exit', this.#downNow);
    await this.network.run('down');
    rmSync(this.root, { recursive: true, force: true });
  }

  /** A folder for a test's own files; removed with the network. */
  scratch(name: string): string {
    const folder = join(this.root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Id of the package that CC's peers run for a chaincode. */
  packageId(chaincode: string): string {
    const folder = join(this.directory, 'chaincode');
    const record = readdirSync(folder).find((name) => name.startsWith(`${chaincode}-`) && name.endsWith('.package'))!;
    return readFileSync(join(folder, record), 'utf8').trim().split(' ').at(-1)!;
  }

  /** Flags that make the `peer` command ask the first peer of each organisation for an endorsement. */
  peersOf(...mspIds: readonly string[]): string[] {
    return mspIds.flatMap((mspId) => {
      const { address, tlsRootPath } = this.#firstPeer(mspId);
      return ['--peerAddresses', address, '--tlsRootCertFiles', tlsRootPath];
    });
  }

  /** `peer lifecycle chaincode` as an organisation's administrator. @returns what it prints */
  lifecycle(mspId: string, ...args: readonly string[]): Promise<string> {
    return this.peer(mspId, 'lifecycle', 'chaincode', ...args, ...this.ordererFlags());
  }

  /** Flags that name an orderer. */
  ordererFlags(): string[] {
    const [orderer] = this.orderers;
    return ['-o', orderer!.address, '--tls', '--cafile', orderer!.tlsRootPath];
  }

  /** Fabric's `peer` command as an organisation's administrator, at its first peer. @returns what it prints */
  async peer(mspId: string, ...args: readonly string[]): Promise<string> {
    const { address, tlsRootPath, folder, domain } = this.#firstPeer(mspId);
    return this.tool('peer', args, {
      CORE_PEER_LOCALMSPID: mspId,
      CORE_PEER_ADDRESS: address,
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_PEER_TLS_ROOTCERT_FILE: tlsRootPath,
      CORE_PEER_MSPCONFIGPATH: join(folder, 'users', `Admin@${domain}`, 'msp'),
    });
  }

  /** One of Fabric's tools. @throws Error with what it prints */
  async tool(name: string, args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
    const { stdout, stderr } = await run(name, args, {
      env: { ...this.network.environment, ...environment, FABRIC_LOGGING_SPEC: 'ERROR' },
      timeout: COMMAND_MILLISECONDS,
      maxBuffer: COMMAND_OUTPUT_BYTES,
    });
    return stdout + stderr;
  }

  #firstPeer(mspId: string): { address: string; tlsRootPath: string; folder: string; domain: string } {
    const { domain, peers } = this.#fabricTopology.organizations.find((candidate) => candidate.mspId === mspId)!;
    const folder = join(this.organizations, 'peerOrganizations', domain);
    const tlsRootPath = join(folder, 'tlsca', `tlsca.${domain}-cert.pem`);
    return { address: `${peers[0]!.host}:${peers[0]!.port}`, tlsRootPath, folder, domain };
  }
}
