// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChaincodeServer } from './chaincode-servers.js';
import { ChaincodeRuntime, type ChaincodeDefinition } from './chaincode/chaincode-runtime.js';
import { EmbeddedLedgerError } from './errors.js';
import { writeConnectionProfile } from '../topology/connection-profile.js';
import { MspRegistry } from './identity/msp.js';
import { ordererOrganizationPath, peerOrganizationPath } from '../topology/network-directory.js';
import { SignaturePolicy } from './identity/policy.js';
import { SigningIdentity } from './identity/signing-identity.js';
import { Channel, type ChannelOptions } from './ledger/channel.js';
import { Database } from './ledger/database.js';
import { channelConfiguration } from './ledger/genesis.js';
import { accessDenied } from './services/access.js';
import { Broadcast } from './services/broadcast.js';
import { Endorser } from './services/endorser.js';
import type { GatewayServices } from './services/gateway.js';
import { PeerServer } from './services/peer-server.js';
import { PeerDirectory, type LedgerPeer } from './services/peers.js';
import { parseProposal } from './services/proposal.js';
import { freePorts } from '../topology/ports.js';
import { blockSigner, type ChannelDefinition, type Organization, type Topology } from '../topology/topology.js';

/** Time within which a chaincode server must register. */
const DEPLOY_TIMEOUT_MILLISECONDS = 30_000;

const FIRST_VERSION = '1.0';

/** Parts that a ledger is made from. */
export interface LedgerNodeOptions {
  readonly topology: Topology;
  /** Directory with the organisations' certificates, cryptogen's layout. */
  readonly organizations: string;
  /** Directory of the database. */
  readonly database: string;
  /** Directory of the chaincode servers' logs. */
  readonly logs: string;
  /** Port of each peer, by full name; 0 for any that is free. */
  readonly ports: ReadonlyMap<string, number>;
  /** Called when a block cannot be stored; the ledger takes nothing more. */
  readonly onFailure: (error: unknown) => void;
}

/** A chaincode to define on a channel. */
export interface ChaincodeDeployment {
  readonly name: string;
  readonly channel: string;
  /** Default: the defined version, at first 1.0. */
  readonly version?: string | undefined;
  /** `host:port` of a server that runs already. Default: the ledger process starts one of the project's build. */
  readonly address?: string | undefined;
}

/** Endpoints, channels and chaincodes of a ledger. */
export interface LedgerStatus {
  /** `host:port` by full peer name. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly channels: readonly { readonly name: string; readonly height: number }[];
  readonly chaincodes: readonly (ChaincodeDefinition & { readonly chaincodeId?: string | undefined })[];
}

/** The whole development ledger: its channels, its chaincodes, and one server for each peer. */
export class LedgerNode {
  readonly #options: LedgerNodeOptions;
  readonly #database: Database;
  readonly #chaincodes: ChaincodeRuntime;
  readonly #channels: Map<string, Channel>;
  readonly #msps: MspRegistry;
  readonly #orderer: SigningIdentity;
  readonly #endorsementPolicy: SignaturePolicy;
  readonly #stop = new AbortController();
  readonly #servers: PeerServer[] = [];
  /** Chaincode servers of this process, by channel and name. */
  readonly #chaincodeServers = new Map<string, ChaincodeServer>();
  readonly #endpoints = new Map<string, string>();

  private constructor(
    options: LedgerNodeOptions,
    database: Database,
    channels: Map<string, Channel>,
    chaincodes: ChaincodeRuntime,
  ) {
    this.#options = options;
    this.#database = database;
    this.#channels = channels;
    this.#chaincodes = chaincodes;
    const { topology, organizations } = options;
    this.#msps = readMsps(topology, organizations);
    this.#orderer = readOrderer(topology, organizations);
    this.#endorsementPolicy = new SignaturePolicy(topology.policies.endorsement);
  }

  /**
   * Opens what is stored, starts its own chaincode servers, dials all of them, listens, and writes the connection profiles.
   * @throws EmbeddedLedgerError
   */
  static async start(options: LedgerNodeOptions): Promise<LedgerNode> {
    const database = await Database.open(options.database);
    const channels = new Map<string, Channel>();
    const chaincodes = await ChaincodeRuntime.open(database, (channel, signed) => {
      const { creator } = parseProposal(signed);
      const data = { identity: creator, data: signed.getProposalBytes_asU8(), signature: signed.getSignature_asU8() };
      return accessDenied(channels, channel, 'Writers', data);
    });
    const node = new LedgerNode(options, database, channels, chaincodes);
    try {
      for (const channel of options.topology.channels) {
        if ((await database.lastBlock(channel.name)) !== undefined) {
          channels.set(channel.name, await Channel.open(channel.name, node.#channelOptions(channel)));
        }
      }
      await node.#listen();
      await node.#startChaincodeServers();
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  /**
   * Creates a channel of the topology.
   * @throws EmbeddedLedgerError `NOT_FOUND`, `ALREADY_EXISTS`
   */
  async createChannel(name: string): Promise<void> {
    const { topology } = this.#options;
    const definition = topology.channels.find((channel) => channel.name === name);
    if (definition === undefined) {
      throw new EmbeddedLedgerError('NOT_FOUND', `the topology has no channel ${name}`);
    }
    if (this.#channels.has(name)) {
      throw new EmbeddedLedgerError('ALREADY_EXISTS', `channel ${name} exists already`);
    }
    const configuration = channelConfiguration(name, this.#orderer);
    this.#channels.set(name, await Channel.create(name, configuration, this.#channelOptions(definition)));
  }

  /**
   * Defines a chaincode, or its new version or server, as soon as its server has registered; until then the old server
   * answers.
   * @throws EmbeddedLedgerError `NOT_FOUND`, `CONFIG_INVALID`, `CHAINCODE_UNREACHABLE`
   */
  async deployChaincode({ channel, name, version, address }: ChaincodeDeployment): Promise<void> {
    if (!this.#channels.has(channel)) {
      throw new EmbeddedLedgerError('NOT_FOUND', `channel ${channel} does not exist; create it with createChannel`);
    }
    const definition = {
      channel,
      name,
      version: version ?? this.#chaincodes.definition(channel, name)?.version ?? FIRST_VERSION,
      address: address ?? `127.0.0.1:${(await freePorts(1))[0]}`,
      ownServer: address === undefined,
    };
    const server = definition.ownServer ? this.#startChaincodeServer(definition) : undefined;
    try {
      await this.#chaincodes.define(definition, DEPLOY_TIMEOUT_MILLISECONDS);
    } catch (error) {
      await server?.stop();
      throw error;
    }
    const key = `${channel}/${name}`;
    const replaced = this.#chaincodeServers.get(key);
    this.#chaincodeServers.delete(key);
    if (server !== undefined) {
      this.#chaincodeServers.set(key, server);
    }
    await replaced?.stop();
  }

  status(): LedgerStatus {
    return {
      endpoints: Object.fromEntries(this.#endpoints),
      channels: [...this.#channels.values()].map(({ name, height }) => ({ name, height })),
      chaincodes: this.#chaincodes.list(),
    };
  }

  /** Ends all requests with UNAVAILABLE, finishes the current blocks, and closes the database. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#servers.forEach((server) => server.close());
    this.#chaincodes.close();
    await Promise.all([...this.#channels.values()].map((channel) => channel.stop()));
    await Promise.all([...this.#chaincodeServers.values()].map((server) => server.stop()));
    await this.#database.close();
  }

  /** Starts the servers of an earlier start; one that cannot register shows in {@link status}. */
  async #startChaincodeServers(): Promise<void> {
    const own = this.#chaincodes.list().filter(({ ownServer }) => ownServer);
    for (const definition of own) {
      const key = `${definition.channel}/${definition.name}`;
      this.#chaincodeServers.set(key, this.#startChaincodeServer(definition));
    }
    await Promise.all(own.map(({ address }) => this.#chaincodes.ready(address, DEPLOY_TIMEOUT_MILLISECONDS)));
  }

  #startChaincodeServer({ name, version, address }: ChaincodeDefinition): ChaincodeServer {
    const { topology, logs } = this.#options;
    const mspId = topology.roles.controlCenter;
    return new ChaincodeServer({ name, address, mspId, id: `${name}:${version}` }, join(logs, `${name}.log`));
  }

  async #listen(): Promise<void> {
    const { topology, organizations, ports } = this.#options;
    const peers = topology.organizations.flatMap((organization) => this.#peersOf(organization));
    const services: GatewayServices = {
      channels: this.#channels,
      peers: new PeerDirectory(peers, this.#channels),
      endorser: new Endorser(this.#channels, this.#database, this.#chaincodes),
      broadcast: new Broadcast(this.#channels, topology.ordering.absoluteMaxBytes),
    };
    const bound = new Map<string, number>();
    for (const organization of topology.organizations) {
      for (const { name, host } of organization.peers) {
        const fullName = `${name}.${organization.domain}`;
        const peer = peers.find((candidate) => candidate.name === fullName)!;
        const server = new PeerServer(peer, services, topology.gateway.concurrency, this.#stop.signal);
        this.#servers.push(server);
        const tls = join(peerOrganizationPath(organizations, organization), 'peers', fullName, 'tls');
        const port = await server.listen(host, ports.get(fullName) ?? 0, {
          certificate: readFileSync(join(tls, 'server.crt')),
          key: readFileSync(join(tls, 'server.key')),
        });
        bound.set(fullName, port);
        peer.address = `${host}:${port}`;
        this.#endpoints.set(fullName, peer.address);
      }
      writeConnectionProfile(organizations, organization, bound);
    }
  }

  #peersOf(organization: Organization): LedgerPeer[] {
    const { mspId, domain } = organization;
    const base = join(peerOrganizationPath(this.#options.organizations, organization), 'peers');
    return organization.peers.map((peer) => {
      const name = `${peer.name}.${domain}`;
      const signer = SigningIdentity.read(mspId, join(base, name, 'msp'));
      const identity = this.#msps.identity(signer.serialized);
      if (identity?.satisfies(mspId, 'peer') !== true) {
        throw new EmbeddedLedgerError(
          'CONFIG_INVALID',
          `${name}: its organisation's CA does not vouch for it as a peer`,
        );
      }
      return { name, mspId, identity, signer, address: '' };
    });
  }

  #channelOptions({ name, members }: ChannelDefinition): ChannelOptions {
    const { topology, onFailure } = this.#options;
    return {
      database: this.#database,
      orderer: this.#orderer,
      limits: { ...topology.ordering, ...topology.embedded },
      onFailure,
      rules: {
        channel: name,
        members: new Set(members),
        msps: this.#msps,
        endorsementPolicy: (chaincode) => this.#chaincodes.definition(name, chaincode) && this.#endorsementPolicy,
        isKnown: (transactionId) => this.#database.transaction(name, transactionId) !== undefined,
      },
    };
  }
}

function readMsps({ organizations }: Topology, path: string): MspRegistry {
  const roots = organizations.map((organization) => {
    const { mspId, domain } = organization;
    const root = join(peerOrganizationPath(path, organization), 'msp', 'cacerts', `ca.${domain}-cert.pem`);
    return [mspId, [readFileSync(root, 'utf8')]] as const;
  });
  return new MspRegistry(new Map(roots));
}

function readOrderer(topology: Topology, path: string): SigningIdentity {
  const { organization, orderer } = blockSigner(topology);
  return SigningIdentity.read(
    organization.mspId,
    join(ordererOrganizationPath(path, organization), 'orderers', orderer, 'msp'),
  );
}
