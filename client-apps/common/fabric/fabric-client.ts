// SPDX-License-Identifier: Apache-2.0
import { Client, credentials } from '@grpc/grpc-js';
import {
  checkpointers,
  CommitError,
  connect,
  hash,
  type Gateway,
  type Network,
  type ProposalOptions,
} from '@hyperledger/fabric-gateway';
import { common } from '@hyperledger/fabric-protos';
import { decodeBlock, type DecodedBlock } from './block.js';
import {
  readConnectionProfile,
  readCredentials,
  type GatewayEndpoint,
  type LedgerIdentity,
} from './connection-profile.js';
import { follow } from './follow.js';
import { LedgerError } from './ledger-error.js';
import { DEFAULT_PATIENCE, persist, type Patience } from './patience.js';
import { lowSSigner } from './signer.js';

/** The organisation whose peers check and endorse every transaction, in all networks this project makes. */
export const CONTROL_CENTER_MSP = 'ControlCenterMSP';

/** A block of pages can exceed grpc-js's 4 MB; Fabric itself allows messages of 100 MiB. */
const MAXIMUM_MESSAGE_BYTES = 100 * 1024 * 1024;

/** Time for one answer, in milliseconds. Endorsing includes the chaincode's run, committing a block's time-out. */
const DEADLINE_MILLISECONDS = { evaluate: 30_000, endorse: 30_000, submit: 10_000, commitStatus: 60_000 } as const;

/** A transaction that stands on the ledger and is valid. */
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
   * Asks the chaincode without leaving a trace on the ledger.
   * @throws LedgerError
   */
  evaluate(channel: string, transaction: string, args?: readonly string[]): Promise<Uint8Array>;
  /**
   * Submits and waits until the transaction is committed and valid. An orderer's acknowledgement is no commit, so where
   * the outcome stays unknown (conflict, time-out, ledger away), and where another channel's seal is not there yet, it
   * asks again: simulated anew, against the state that stands by then. So only for idempotent transactions, which ours
   * all are: the same bytes again succeed without a write.
   * @throws LedgerError with the chaincode's code if it refuses, or a {@link LedgerClientCode}.
   */
  submit(
    channel: string,
    transaction: string,
    args?: readonly string[],
    transient?: TransientData,
  ): Promise<CommittedTransaction>;
  /** Chaincode events from `startBlock` on, or from now; reconnects, and repeats none. Ends with {@link close}. */
  chaincodeEvents(channel: string, startBlock?: bigint): AsyncIterable<LedgerEvent>;
  /** Blocks from `start` to `end`, both included; without `end`, as they come. Reconnects. */
  blocks(channel: string, start: bigint, end?: bigint): AsyncIterable<DecodedBlock>;
  /** Number of blocks on the channel. */
  height(channel: string): Promise<bigint>;
  /** Ends iterators and further attempts, and disconnects. */
  close(): void;
}

/** What {@link connectLedger} can be told beyond profile and identity. */
export interface LedgerClientOptions {
  /** MSP ids that must endorse, set explicitly so that transient data goes nowhere else. */
  readonly endorsingOrganizations?: readonly string[];
  readonly patience?: Patience;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens a client. No request is made yet: a ledger that is still starting is waited for by the first one.
 * @param profilePath Fabric's common connection profile, `connection-<org>.json`.
 * @throws LedgerError `PROFILE_INVALID`
 */
export function connectLedger(
  profilePath: string,
  identity: LedgerIdentity,
  options: LedgerClientOptions = {},
): LedgerClient {
  const { mspId, certificate, privateKeyPem } = readCredentials(identity, options.environment);
  const client = newGrpcClient(readConnectionProfile(profilePath, options.environment));
  const gateway = connect({
    client,
    identity: { mspId, credentials: certificate },
    signer: lowSSigner(privateKeyPem),
    hash: hash.none,
    evaluateOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.evaluate) }),
    endorseOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.endorse) }),
    submitOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.submit) }),
    commitStatusOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.commitStatus) }),
  });
  return new FabricClient(client, gateway, options);
}

class FabricClient implements LedgerClient {
  readonly #client: Client;
  readonly #gateway: Gateway;
  readonly #endorsingOrganizations: string[];
  readonly #patience: Patience;
  readonly #closing = new AbortController();

  constructor(client: Client, gateway: Gateway, options: LedgerClientOptions) {
    this.#client = client;
    this.#gateway = gateway;
    this.#endorsingOrganizations = [...(options.endorsingOrganizations ?? [CONTROL_CENTER_MSP])];
    this.#patience = options.patience ?? DEFAULT_PATIENCE;
  }

  evaluate(channel: string, transaction: string, args: readonly string[] = []): Promise<Uint8Array> {
    const contract = this.#network(channel).getContract(channel);
    return this.#persist(() => contract.evaluate(transaction, { arguments: [...args] }));
  }

  submit(
    channel: string,
    transaction: string,
    args: readonly string[] = [],
    transient?: TransientData,
  ): Promise<CommittedTransaction> {
    const contract = this.#network(channel).getContract(channel);
    const options: ProposalOptions = {
      arguments: [...args],
      endorsingOrganizations: this.#endorsingOrganizations,
      ...(transient !== undefined && { transientData: { ...transient } }),
    };
    return this.#persist(async () => {
      const submitted = await contract.submitAsync(transaction, options);
      const { code, successful, blockNumber, transactionId } = await submitted.getStatus();
      if (!successful) {
        throw new CommitError({ code, transactionId, message: `transaction ${transactionId} has status code ${code}` });
      }
      return { transactionId, blockNumber };
    });
  }

  async *chaincodeEvents(channel: string, startBlock?: bigint): AsyncGenerator<LedgerEvent, void, void> {
    const network = this.#network(channel);
    const checkpoint = checkpointers.inMemory();
    // Without a start, "now" is fixed before the first connection, so that a reconnection has no gap either.
    const start = startBlock ?? (await this.height(channel));
    const events = follow(
      () => network.getChaincodeEvents(channel, { startBlock: start, checkpoint }),
      (event) => checkpoint.checkpointChaincodeEvent(event),
      this.#patience,
      this.#closing.signal,
    );
    for await (const { blockNumber, transactionId, eventName, payload } of events) {
      yield { blockNumber, transactionId, name: eventName, payload };
    }
  }

  async *blocks(channel: string, start: bigint, end?: bigint): AsyncGenerator<DecodedBlock, void, void> {
    const network = this.#network(channel);
    const checkpoint = checkpointers.inMemory();
    const blocks = follow(
      () => network.getBlockEvents({ startBlock: start, checkpoint }),
      (block) => checkpoint.checkpointBlock(BigInt(block.getHeader()?.getNumber() ?? 0)),
      this.#patience,
      this.#closing.signal,
    );
    if (end !== undefined && end < start) {
      return;
    }
    for await (const block of blocks) {
      const decoded = decodeBlock(block);
      yield decoded;
      if (decoded.number === end) {
        return;
      }
    }
  }

  async height(channel: string): Promise<bigint> {
    const systemChaincode = this.#network(channel).getContract('qscc');
    const bytes = await this.#persist(() => systemChaincode.evaluate('GetChainInfo', { arguments: [channel] }));
    return BigInt(common.BlockchainInfo.deserializeBinary(bytes).getHeight());
  }

  close(): void {
    this.#closing.abort();
    this.#gateway.close();
    this.#client.close();
  }

  #network(channel: string): Network {
    if (this.#closing.signal.aborted) {
      throw new LedgerError('CLOSED', 'the ledger client was closed');
    }
    return this.#gateway.getNetwork(channel);
  }

  #persist<T>(attempt: () => Promise<T>): Promise<T> {
    return persist(attempt, this.#patience, this.#closing.signal);
  }
}

function newGrpcClient({ address, hostAlias, tlsRootCertificates }: GatewayEndpoint): Client {
  const channelCredentials =
    tlsRootCertificates === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(Buffer.from(tlsRootCertificates));
  return new Client(address, channelCredentials, {
    'grpc.max_receive_message_length': MAXIMUM_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAXIMUM_MESSAGE_BYTES,
    // A ledger on the same machine is back in less than grpc-js's first pause of a second.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    ...(hostAlias !== undefined && { 'grpc.ssl_target_name_override': hostAlias }),
  });
}

/** gRPC wants an instant of the machine's clock, not a duration. */
function deadlineIn(milliseconds: number): number {
  // eslint-disable-next-line no-restricted-properties -- a transport deadline, no party's time
  return Date.now() + milliseconds;
}
