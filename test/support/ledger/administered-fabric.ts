// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Topology } from '../../../network/topology/topology.js';
import type { FabricNetwork } from '../../../network/fabric/fabric-network.js';

const run = promisify(execFile);

/** A command that waits for a commit, on a machine that has other things to do. */
const COMMAND_MILLISECONDS = 120_000;
/** A config block is 60 kB, twice that as JSON. */
const COMMAND_OUTPUT_BYTES = 16 * 1024 * 1024;

/** An orderer process. */
export interface Orderer {
  readonly name: string;
  readonly address: string;
  /** TLS root of its organisation, PEM file. */
  readonly tlsRootPath: string;
}

/** Fabric's administration by its own commands, on a network whose organisations' keys are all at hand. */
export abstract class AdministeredFabric {
  readonly topology: Topology;

  /** @param network names files and the commands' environment */
  protected constructor(readonly network: FabricNetwork) {
    this.topology = network.topology;
  }

  /** `organizations/`, in cryptogen's layout. */
  abstract get organizations(): string;

  /** The orderers of this network's consensus. */
  get orderers(): readonly Orderer[] {
    return this.orderersOf(this.topology.ordering.consenters.raft);
  }

  async deployOn(channel: string, chaincode: string): Promise<void> {
    const { version } = (await this.committed(chaincode, chaincode))!;
    const sequence = ((await this.committed(channel, chaincode))?.sequence ?? 0) + 1;
    const definition = ['-C', channel, '-n', chaincode, '-v', version, '--sequence', String(sequence)];
    definition.push('--signature-policy', this.topology.policies.endorsement);
    const { controlCenter, serviceProvider } = this.topology.roles;
    const packageId = this.packageId(chaincode, version);
    await this.lifecycle(controlCenter, 'approveformyorg', ...definition, '--package-id', packageId);
    await this.lifecycle(serviceProvider, 'approveformyorg', ...definition);
    const endorsers = this.peersOf(controlCenter, serviceProvider);
    await this.lifecycle(controlCenter, 'commit', ...definition, ...endorsers);
  }

  /** A chaincode's definition on a channel; undefined when it has none. */
  async committed(channel: string, chaincode: string): Promise<{ version: string; sequence: number } | undefined> {
    const args = ['lifecycle', 'chaincode', 'querycommitted', '-C', channel, '-n', chaincode];
    const text = await this.peer(this.topology.roles.controlCenter, ...args).catch((error: unknown) => {
      if ((error as Error).message.includes(`namespace ${chaincode} is not defined`)) {
        return '';
      }
      throw error;
    });
    const [, version, sequence] = /^Version: ([^,]+), Sequence: (\d+),/m.exec(text) ?? [];
    return version === undefined ? undefined : { version, sequence: Number(sequence) };
  }

  /** Id of the package that CC's peers run for a version of a chaincode. */
  packageId(chaincode: string, version = '1.0'): string {
    const folder = join(this.network.directory, 'chaincode');
    const records = readdirSync(folder).filter((file) => file.endsWith('.package'));
    const words = records.map((file) => readFileSync(join(folder, file), 'utf8').trim().split(' '));
    const found = words.find((record) => record[0] === chaincode && record[1] === version);
    if (found === undefined) {
      throw new Error(`${folder} has no package of ${chaincode} ${version}`);
    }
    return found.at(-1)!;
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

  protected orderersOf(names: readonly string[]): Orderer[] {
    const all = this.topology.ordering.organizations.flatMap(({ domain, orderers }) =>
      orderers.map(({ name, host, port }) => ({
        name: `${name}.${domain}`,
        address: `${host}:${port}`,
        tlsRootPath: join(this.organizations, 'ordererOrganizations', domain, 'tlsca', `tlsca.${domain}-cert.pem`),
      })),
    );
    return names.map((name) => all.find((orderer) => orderer.name === name)!);
  }

  #firstPeer(mspId: string): { address: string; tlsRootPath: string; folder: string; domain: string } {
    const { domain, peers } = this.topology.organizations.find((candidate) => candidate.mspId === mspId)!;
    const folder = join(this.organizations, 'peerOrganizations', domain);
    const tlsRootPath = join(folder, 'tlsca', `tlsca.${domain}-cert.pem`);
    return { address: `${peers[0]!.host}:${peers[0]!.port}`, tlsRootPath, folder, domain };
  }
}
