// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { Client, credentials } from '@grpc/grpc-js';
import { connect, signers, type Contract, type Gateway, type GatewayError } from '@hyperledger/fabric-gateway';
import { startChaincodeServer } from '../../../network/embedded/chaincode-servers.js';
import { startEmbeddedLedger, type EmbeddedLedger } from '../../../network/embedded/embedded-ledger.js';
import { freePorts } from '../../../network/topology/ports.js';
import { NETWORK_FOLDER } from '../../../network/topology/topology.js';

/** Organisation whose peers endorse. */
export const CONTROL_CENTER = 'ControlCenterMSP';
const TOPOLOGY = join(NETWORK_FOLDER, 'topology.json');
const FIXTURE = join(NETWORK_FOLDER, '..', 'test', 'support', 'embedded', 'contract');

/** A ledger process with the fixture contract on two channels, run by unmodified `fabric-chaincode-node server`. */
export class FixtureLedger {
  readonly directory = mkdtempSync(join(tmpdir(), 'gridveil-embedded-'));
  ledger!: EmbeddedLedger;
  readonly #addresses = new Map<string, string>();
  readonly #chaincodes = new Map<string, ChildProcess>();
  readonly #clients: { close(): void }[] = [];

  async start(): Promise<void> {
    await this.startLedger();
    await this.ledger.createChannels();
    for (const name of ['consumption', 'pricing']) {
      this.#addresses.set(name, `127.0.0.1:${(await freePorts(1))[0]}`);
      this.startChaincode(name);
      await this.ledger.deployChaincode({ name, channel: name, address: this.#addresses.get(name)! });
    }
  }

  async startLedger(): Promise<void> {
    this.ledger = await startEmbeddedLedger({ directory: this.directory, topologyPath: TOPOLOGY });
  }

  /** Ends the ledger process as a power failure would. */
  async killLedger(): Promise<void> {
    const child = this.ledger.process!;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  startChaincode(name: string): void {
    const log = join(this.directory, `${name}.log`);
    const options = { name, path: FIXTURE, address: this.#addresses.get(name)!, mspId: CONTROL_CENTER };
    this.#chaincodes.set(name, startChaincodeServer(options, log));
  }

  async killChaincode(name: string): Promise<void> {
    const child = this.#chaincodes.get(name)!;
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit');
    }
  }

  /** A client as Fabric's samples make it, with the SDK's own signer. */
  gateway(mspId = CONTROL_CENTER, user = 'User1'): { gateway: Gateway; client: Client } {
    const { certificatePath, keyPath } = this.ledger.user(mspId, user);
    const profile = JSON.parse(readFileSync(this.ledger.connectionProfile(mspId), 'utf8')) as {
      peers: Record<string, { url: string; tlsCACerts: { pem: string } }>;
    };
    const [[name, peer]] = Object.entries(profile.peers) as [[string, { url: string; tlsCACerts: { pem: string } }]];
    const client = new Client(new URL(peer.url).host, credentials.createSsl(Buffer.from(peer.tlsCACerts.pem)), {
      'grpc.ssl_target_name_override': name,
    });
    const gateway = connect({
      client,
      identity: { mspId, credentials: readSole(certificatePath) },
      signer: signers.newPrivateKeySigner(createPrivateKey(readSole(keyPath))),
    });
    this.#clients.push(gateway, client);
    return { gateway, client };
  }

  contract(channel = 'consumption', mspId = CONTROL_CENTER): Contract {
    return this.gateway(mspId).gateway.getNetwork(channel).getContract(channel);
  }

  async stop(): Promise<void> {
    this.#clients.forEach((client) => client.close());
    await this.ledger.stop();
    await Promise.all([...this.#chaincodes.keys()].map((name) => this.killChaincode(name)));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Refusal of a request. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
  readonly details: readonly string[];
}

/** Awaits a request that must be refused. */
export async function refusalOf(request: Promise<unknown>): Promise<Refusal> {
  const error = await request.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown as Omit<GatewayError, 'details'> & Partial<Pick<GatewayError, 'details'>>,
  );
  return { code: error.code, message: error.message, details: (error.details ?? []).map(({ message }) => message) };
}

function readSole(directory: string): Buffer {
  return readFileSync(join(directory, readdirSync(directory)[0]!));
}
