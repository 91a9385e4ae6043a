// SPDX-License-Identifier: Apache-2.0
import { peer } from '@hyperledger/fabric-protos';
import { z } from 'zod';
import { getOrMake } from '../../../protocol/get-or-make.js';
import { EmbeddedLedgerError } from '../errors.js';
import type { Database } from '../ledger/database.js';
import { Simulator } from '../ledger/simulator.js';
import { ChaincodeConnection } from './chaincode-connection.js';
import type { Invocation } from './invocation.js';
import type { InvokeOther } from './shim-requests.js';

const definitionSchema = z.object({
  channel: z.string(),
  name: z.string(),
  /** Part of every transaction's ChaincodeAction. */
  version: z.string().min(1),
  /** `host:port` of the chaincode server. */
  address: z.string().regex(/^[^/\s]+:\d{1,5}$/),
  /** Whether the ledger process runs that server itself. */
  ownServer: z.boolean().default(false),
});

/** A chaincode on a channel, and the server that runs it. */
export type ChaincodeDefinition = z.infer<typeof definitionSchema>;

/** Whether the caller may invoke a chaincode on another channel. @returns the reason if not. */
export type CheckInvoker = (channel: string, proposal: peer.SignedProposal) => string | undefined;

/** Which chaincodes there are, and the connections to their servers. Definitions are stored, connections dialled again. */
export class ChaincodeRuntime {
  readonly #database: Database;
  readonly #checkInvoker: CheckInvoker;
  readonly #definitions = new Map<string, ChaincodeDefinition>();
  readonly #connections = new Map<string, ChaincodeConnection>();

  private constructor(database: Database, checkInvoker: CheckInvoker) {
    this.#database = database;
    this.#checkInvoker = checkInvoker;
  }

  static async open(database: Database, checkInvoker: CheckInvoker): Promise<ChaincodeRuntime> {
    const runtime = new ChaincodeRuntime(database, checkInvoker);
    for (const stored of await database.chaincodes()) {
      runtime.#install(definitionSchema.parse(JSON.parse(stored)));
    }
    return runtime;
  }

  /**
   * Defines a chaincode, or changes its version or address, once its server has registered.
   * @throws EmbeddedLedgerError `CONFIG_INVALID`, `CHAINCODE_UNREACHABLE`
   */
  async define(definition: ChaincodeDefinition, timeoutMilliseconds: number): Promise<void> {
    const parsed = definitionSchema.safeParse(definition);
    if (!parsed.success) {
      throw new EmbeddedLedgerError('CONFIG_INVALID', z.prettifyError(parsed.error));
    }
    const { channel, name, address } = parsed.data;
    if (!(await this.ready(address, timeoutMilliseconds))) {
      this.#dropUnused();
      throw new EmbeddedLedgerError('CHAINCODE_UNREACHABLE', `no chaincode server registered at ${address}`);
    }
    await this.#database.putChaincode(channel, name, JSON.stringify(parsed.data));
    this.#install(parsed.data);
    this.#dropUnused();
  }

  /** Waits until a server has registered. @returns false if it did not in time. */
  ready(address: string, timeoutMilliseconds: number): Promise<boolean> {
    return this.#connection(address).ready(timeoutMilliseconds);
  }

  definition(channel: string, name: string): ChaincodeDefinition | undefined {
    return this.#definitions.get(`${channel}/${name}`);
  }

  /** Every definition, by channel and name, with the id under which its server is registered now, if it is. */
  list(): (ChaincodeDefinition & { readonly chaincodeId: string | undefined })[] {
    const definitions = [...this.#definitions].sort(([a], [b]) => (a < b ? -1 : 1));
    return definitions.map(([, definition]) => ({
      ...definition,
      chaincodeId: this.#connections.get(definition.address)?.chaincodeId,
    }));
  }

  /**
   * Runs a chaincode.
   * @returns its final message.
   * @throws Error with Fabric's text
   */
  execute(invocation: Invocation): Promise<peer.ChaincodeMessage> {
    const { channel, namespace } = invocation;
    const definition = this.definition(channel, namespace);
    if (definition === undefined) {
      const unknown = `chaincode ${namespace} not found`;
      throw new Error(
        `invalid invocation: [channel ${channel}] failed to get chaincode container info for ${namespace}: ${unknown}`,
      );
    }
    return this.#connection(definition.address).execute(invocation);
  }

  close(): void {
    this.#connections.forEach((connection) => connection.close());
  }

  /**
   * A chaincode calls a chaincode: on its own channel within the same simulation; on another one in a simulation of its
   * own whose writes are dropped, so that it is a query whatever the callee does.
   */
  readonly #invokeOther: InvokeOther = async (caller, { chaincode, channel }, input) => {
    const denied = this.#checkInvoker(channel, caller.signedProposal);
    if (denied !== undefined) {
      throw new Error(denied);
    }
    const sameChannel = channel === caller.channel;
    const simulator = sameChannel ? caller.simulator : new Simulator(this.#database, channel);
    const { transactionId, signedProposal } = caller;
    try {
      return await this.execute({ channel, transactionId, namespace: chaincode, simulator, input, signedProposal });
    } catch (error) {
      throw new Error(`execute failed: ${(error as Error).message}`, { cause: error });
    } finally {
      if (!sameChannel) {
        await simulator.close();
      }
    }
  };

  #install(definition: ChaincodeDefinition): void {
    this.#definitions.set(`${definition.channel}/${definition.name}`, definition);
    this.#connection(definition.address);
  }

  #connection(address: string): ChaincodeConnection {
    return getOrMake(this.#connections, address, () => new ChaincodeConnection(address, this.#invokeOther));
  }

  #dropUnused(): void {
    const used = new Set([...this.#definitions.values()].map(({ address }) => address));
    for (const [address, connection] of this.#connections) {
      if (!used.has(address)) {
        connection.close();
        this.#connections.delete(address);
      }
    }
  }
}
