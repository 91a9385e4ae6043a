// SPDX-License-Identifier: Apache-2.0
import { setMaxListeners } from 'node:events';
import {
  checkpointers,
  CommitError,
  type CloseableAsyncIterable,
  type Gateway,
  type Network,
  type ProposalOptions,
} from '@hyperledger/fabric-gateway';
import { common } from '@hyperledger/fabric-protos';
import type { Log } from '../runtime/log.js';
import { Outage } from '../runtime/outage.js';
import { decodeBlock, type DecodedBlock } from './block.js';
import { readCredentials, readGatewayEndpoints, type LedgerIdentity } from './connection-profile.js';
import { follow } from './follow.js';
import { GatewayPool } from './gateway-pool.js';
import { diagnose, type LedgerError } from './ledger-error.js';
import { DEFAULT_PATIENCE, persist, type Patience } from './patience.js';

/** The organisation whose peers check and endorse every transaction, in all networks this project makes. */
export const CONTROL_CENTER_MSP = 'ControlCenterMSP';

/** A committed, valid transaction. */
export interface CommittedTransaction {
  readonly transactionId: string;
  readonly blockNumber: bigint;
}

/** A chaincode event of a valid transaction. */
export interface LedgerEvent {
  readonly blockNumber: bigint;
  readonly transactionId: string;
  readonly name: string;
  readonly payload: Uint8Array;
}

/** Bytes for the chaincode only: in no block, and sent to no organisation but the endorsing one. */
export type TransientData = Readonly<Record<string, Uint8Array>>;

/** One identity's connection to the ledger, real or embedded. Channel and chaincode have the same name. */
export interface LedgerClient {
  /**
   * Evaluates a transaction; nothing is written to the ledger.
   * @throws LedgerError
   */
  evaluate(channel: string, transaction: string, args?: readonly string[]): Promise<Uint8Array>;
  /**
   * Submits a transaction and waits until it is committed and valid. An orderer's acknowledgement is not a commit, so
   * the transaction is endorsed and submitted again, against the state of that time, where the outcome is unknown
   * (conflict, time-out, ledger unreachable) or another channel's seal is not committed yet. All transactions must be
   * idempotent, as those of this project's contracts are: the same bytes again succeed without a write.
   * @throws LedgerError with the chaincode's code if it refuses, or a {@link LedgerClientCode}.
   */
  submit(
    channel: string,
    transaction: string,
    args?: readonly string[],
    transient?: TransientData,
  ): Promise<CommittedTransaction>;
  /** Chaincode events from `startBlock` on, or from now; reconnects without repeating any. Ends with {@link close}. */
  chaincodeEvents(channel: string, startBlock?: bigint): AsyncIterable<LedgerEvent>;
  /** Blocks from `start` to `end`, both included; without `end`, as they come. Reconnects. */
  blocks(channel: string, start: bigint, end?: bigint): AsyncIterable<DecodedBlock>;
  /** Number of blocks on the channel. */
  height(channel: string): Promise<bigint>;
  /** Ends iterators and further attempts, and disconnects. */
  close(): void;
}

/** Options of {@link connectLedger}. */
export interface LedgerClientOptions {
  /**
   * MSP id of the control center, whose peers endorse and answer. Set explicitly, so that transient data goes nowhere
   * else and no other peer can forge an answer. Default {@link CONTROL_CENTER_MSP}.
   */
  readonly controlCenterMspId?: string;
  readonly patience?: Patience;
  /** Log of outages: when the ledger does not answer, and when it answers again. Default: none. */
  readonly log?: Log;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens a client of all the organisation's peers in the profile: one is used, until it fails. No request is made yet;
 * the first one waits for a ledger that is still starting.
 * @param profilePath Fabric's common connection profile, `connection-<org>.json`.
 * @throws LedgerError `PROFILE_INVALID`
 */
export function connectLedger(
  profilePath: string,
  identity: LedgerIdentity,
  options: LedgerClientOptions = {},
): LedgerClient {
  const credentials = readCredentials(identity, options.environment);
  const endpoints = readGatewayEndpoints(profilePath, options.environment);
  return new FabricClient(profilePath, new GatewayPool(endpoints, credentials), credentials.mspId, options);
}

/** Query of a chaincode, and the organisation whose peers answer it. */
interface Evaluation {
  readonly mspId: string;
  readonly channel: string;
  readonly chaincode: string;
  readonly transaction: string;
  readonly args: readonly string[];
}

class FabricClient implements LedgerClient {
  readonly #gateways: GatewayPool;
  readonly #mspId: string;
  readonly #controlCenterMspId: string;
  readonly #patience: Patience;
  readonly #log: Log | undefined;
  /** By kind of request, channel and chaincode: an answer to one kind does not end the outage of another. */
  readonly #outages = new Map<string, Outage>();
  readonly #closing = new AbortController();

  readonly #profilePath: string;

  constructor(profilePath: string, gateways: GatewayPool, mspId: string, options: LedgerClientOptions) {
    this.#profilePath = profilePath;

    this.#gateways = gateways;
    this.#mspId = mspId;
    this.#controlCenterMspId = options.controlCenterMspId ?? CONTROL_CENTER_MSP;
    this.#patience = options.patience ?? DEFAULT_PATIENCE;
    this.#log = options.log;
    setMaxListeners(0, this.#closing.signal); // each waiting attempt adds a listener
  }

  evaluate(channel: string, transaction: string, args: readonly string[] = []): Promise<Uint8Array> {
    return this.#evaluate({ mspId: this.#controlCenterMspId, channel, chaincode: channel, transaction, args });
  }

  submit(
    channel: string,
    transaction: string,
    args: readonly string[] = [],
    transient?: TransientData,
  ): Promise<CommittedTransaction> {
    const options: ProposalOptions = {
      arguments: [...args],
      endorsingOrganizations: [this.#controlCenterMspId],
      ...(transient !== undefined && { transientData: { ...transient } }),
    };
    return this.#persist(channel, 'submit', async (gateway) => {
      const contract = gateway.getNetwork(channel).getContract(channel);
      const submitted = await contract.submitAsync(transaction, options);
      const { code, successful, blockNumber, transactionId } = await submitted.getStatus();
      if (!successful) {
        throw new CommitError({ code, transactionId, message: `transaction ${transactionId} has status code ${code}` });
      }
      return { transactionId, blockNumber };
    });
  }

  async *chaincodeEvents(channel: string, startBlock?: bigint): AsyncGenerator<LedgerEvent, void, void> {
    const checkpoint = checkpointers.inMemory();
    // Without a start, "now" is fixed before the first connection, so that a reconnection has no gap either.
    const start = startBlock ?? (await this.height(channel));
    const events = this.#follow(
      channel,
      (network) => network.getChaincodeEvents(channel, { startBlock: start, checkpoint }),
      (event) => checkpoint.checkpointChaincodeEvent(event),
    );
    for await (const { blockNumber, transactionId, eventName, payload } of events) {
      yield { blockNumber, transactionId, name: eventName, payload };
    }
  }

  async *blocks(channel: string, start: bigint, end?: bigint): AsyncGenerator<DecodedBlock, void, void> {
    if (end !== undefined && end < start) {
      return;
    }
    const checkpoint = checkpointers.inMemory();
    const blocks = this.#follow(
      channel,
      (network) => network.getBlockEvents({ startBlock: start, checkpoint }),
      (block) => checkpoint.checkpointBlock(BigInt(block.getHeader()?.getNumber() ?? 0)),
    );
    for await (const block of blocks) {
      const decoded = decodeBlock(block);
      yield decoded;
      if (decoded.number === end) {
        return;
      }
    }
  }

  async height(channel: string): Promise<bigint> {
    // Of the blocks that the own organisation holds, from which they are read.
    const bytes = await this.#evaluate({
      mspId: this.#mspId,
      channel,
      chaincode: 'qscc',
      transaction: 'GetChainInfo',
      args: [channel],
    });
    return BigInt(common.BlockchainInfo.deserializeBinary(bytes).getHeight());
  }

  close(): void {
    this.#closing.abort();
    this.#gateways.close();
  }

  #evaluate({ mspId, channel, chaincode, transaction, args }: Evaluation): Promise<Uint8Array> {
    const options = { arguments: [...args], endorsingOrganizations: [mspId] };
    // That there is nothing is an answer like any other.
    const patience = { ...this.#patience, lagMilliseconds: 0 };
    return this.#persist(
      channel,
      chaincode === channel ? 'query' : `query of ${chaincode}`,
      (gateway) => gateway.getNetwork(channel).getContract(chaincode).evaluate(transaction, options),
      patience,
    );
  }

  /** @param kind of request, as the log calls it */
  #persist<T>(
    channel: string,
    kind: string,
    attempt: (gateway: Gateway) => Promise<T>,
    patience = this.#patience,
  ): Promise<T> {
    const request = `${kind} on ${channel}`;
    const observed = async (): Promise<T> => {
      const peer = this.#gateways.address;
      try {
        const result = await this.#gateways.use(attempt);
        this.#outages.get(request)?.answered();
        return result;
      } catch (thrown) {
        this.#observe(request, { channel, peer }, diagnose(thrown).error);
        throw thrown;
      }
    };
    return persist(observed, patience, this.#closing.signal);
  }

  /** Records an outage or its end; a refusal is an answer too. */
  #observe(request: string, where: Record<'channel' | 'peer', string>, { code, message }: LedgerError): void {
    if (this.#log === undefined || this.#closing.signal.aborted) {
      return;
    }
    if (code !== 'UNAVAILABLE') {
      return this.#outages.get(request)?.answered();
    }
    const outage = this.#outages.get(request) ?? new Outage(this.#log, `ledger, ${request}`);
    this.#outages.set(request, outage);
    outage.unanswered({ ...where, profile: this.#profilePath, reason: message });
  }

  #follow<T>(
    channel: string,
    open: (network: Network) => Promise<CloseableAsyncIterable<T>>,
    delivered: (item: T) => void | Promise<void>,
  ): AsyncGenerator<T, void, void> {
    let gateway = this.#gateways.current;
    const source = {
      open: () => {
        gateway = this.#gateways.current;
        return open(gateway.getNetwork(channel));
      },
      delivered,
      broke: (thrown: unknown) => this.#gateways.leave(gateway, thrown),
    };
    return follow(source, this.#patience, this.#closing.signal);
  }
}
