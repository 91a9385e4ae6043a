// SPDX-License-Identifier: Apache-2.0
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { credentials, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { message } from '../message.js';
import type { Invocation, RunningInvocation } from './invocation.js';
import { answerShimRequest, requestName, type InvokeOther } from './shim-requests.js';

const { Type } = peer.ChaincodeMessage;
type Stream = ClientDuplexStream<peer.ChaincodeMessage, peer.ChaincodeMessage>;

/** Fabric's `chaincode.executetimeout`. */
const EXECUTE_TIMEOUT_MILLISECONDS = 30_000;
/** Time that a transaction waits for a chaincode without a connection; one that restarts connects sooner. */
const LAUNCH_TIMEOUT_MILLISECONDS = 10_000;
const REDIAL_PAUSE_MILLISECONDS = 100;
/** Fabric's limit for a message between peer and chaincode. */
const MAXIMUM_MESSAGE_BYTES = 100 * 1024 * 1024;

interface Pending {
  readonly invocation: RunningInvocation;
  readonly settle: (outcome: peer.ChaincodeMessage | Error) => void;
}

/**
 * The peer's end of the stream to one chaincode server. It dials, and dials again whenever the stream ends: server and
 * ledger may be restarted in any order. Never sends KEEPALIVE, on which Node's shim ends its process.
 */
export class ChaincodeConnection {
  readonly address: string;
  readonly #invokeOther: InvokeOther;
  readonly #closing = new AbortController();
  readonly #pending = new Map<string, Pending>();
  /** Emits `registered`. */
  readonly #registrations = new EventEmitter().setMaxListeners(0);
  #stream: Stream | undefined;
  #chaincodeId: string | undefined;

  /** @param address `host:port` of a chaincode server without TLS. */
  constructor(address: string, invokeOther: InvokeOther) {
    this.address = address;
    this.#invokeOther = invokeOther;
    void this.#dial();
  }

  /** Id with which the server registered; undefined while it is not there. */
  get chaincodeId(): string | undefined {
    return this.#chaincodeId;
  }

  /** Waits until the chaincode can be invoked. @returns false if it could not in time. */
  async ready(timeoutMilliseconds: number = LAUNCH_TIMEOUT_MILLISECONDS): Promise<boolean> {
    if (this.#chaincodeId === undefined) {
      await once(this.#registrations, 'registered', { signal: AbortSignal.timeout(timeoutMilliseconds) }).catch(
        () => {},
      );
    }
    return this.#chaincodeId !== undefined;
  }

  /**
   * Runs one transaction.
   * @returns the chaincode's final message, COMPLETED or ERROR.
   * @throws Error with Fabric's text if there is none.
   */
  async execute(invocation: Invocation): Promise<peer.ChaincodeMessage> {
    const { channel, transactionId, input, signedProposal } = invocation;
    if (!(await this.ready())) {
      const name = invocation.namespace;
      throw new Error(`could not launch chaincode ${name}: connection to ${name} failed: ${this.address} is not ready`);
    }
    const key = contextKey(channel, transactionId);
    if (this.#pending.has(key)) {
      throw new Error(`error sending: txid: ${transactionId}(${channel}) exists`);
    }
    const running: RunningInvocation = { ...invocation, queries: new Map() };
    try {
      return await new Promise((resolve, reject) => {
        const expire = (): void => settle(new Error('error sending: timeout expired while executing transaction'));
        const timer = setTimeout(expire, EXECUTE_TIMEOUT_MILLISECONDS);
        const settle = (outcome: peer.ChaincodeMessage | Error): void => {
          clearTimeout(timer);
          this.#pending.delete(key);
          if (outcome instanceof Error) {
            reject(outcome);
          } else {
            resolve(outcome);
          }
        };
        this.#pending.set(key, { invocation: running, settle });
        const fields = { channelId: channel, txid: transactionId, payload: input.serializeBinary() };
        const type = Type.TRANSACTION;
        this.#stream!.write(message(peer.ChaincodeMessage, { type, ...fields, proposal: signedProposal }));
      });
    } finally {
      await Promise.all([...running.queries.values()].map(({ cursor }) => cursor.close()));
    }
  }

  close(): void {
    this.#closing.abort();
    this.#stream?.cancel();
  }

  async #dial(): Promise<void> {
    const client = new peer.ChaincodeClient(this.address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAXIMUM_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAXIMUM_MESSAGE_BYTES,
      'grpc.initial_reconnect_backoff_ms': REDIAL_PAUSE_MILLISECONDS,
      'grpc.max_reconnect_backoff_ms': 10 * REDIAL_PAUSE_MILLISECONDS,
      // One channel each, so that a stream does not queue behind another chaincode's pages.
      'grpc.use_local_subchannel_pool': 1,
    });
    while (!this.#closing.signal.aborted) {
      await this.#converse(client.connect(new Metadata({ waitForReady: true })));
      await pause(REDIAL_PAUSE_MILLISECONDS, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
    client.close();
  }

  /** Serves one stream until it ends. */
  #converse(stream: Stream): Promise<void> {
    this.#stream = stream;
    return new Promise((resolve) => {
      const end = (): void => {
        stream.removeAllListeners();
        stream.on('error', () => {}); // what an ended stream still has to say
        stream.cancel();
        this.#chaincodeId = undefined;
        for (const { settle } of [...this.#pending.values()]) {
          settle(new Error('error sending: chaincode stream terminated'));
        }
        resolve();
      };
      stream.on('data', (received: peer.ChaincodeMessage) => this.#receive(received, stream));
      stream.once('error', end);
      stream.once('end', end);
      if (this.#closing.signal.aborted) {
        end();
      }
    });
  }

  #receive(received: peer.ChaincodeMessage, stream: Stream): void {
    switch (received.getType()) {
      case Type.REGISTER:
        stream.write(message(peer.ChaincodeMessage, { type: Type.REGISTERED }));
        stream.write(message(peer.ChaincodeMessage, { type: Type.READY }));
        this.#chaincodeId = peer.ChaincodeID.deserializeBinary(received.getPayload_asU8()).getName();
        this.#registrations.emit('registered');
        return;
      case Type.KEEPALIVE:
        return;
      case Type.COMPLETED:
      case Type.ERROR:
        this.#pending.get(contextKey(received.getChannelId(), received.getTxid()))?.settle(received);
        return;
      default:
        void this.#answer(received, stream);
    }
  }

  async #answer(request: peer.ChaincodeMessage, stream: Stream): Promise<void> {
    const [channelId, txid] = [request.getChannelId(), request.getTxid()];
    let answer;
    try {
      const pending = this.#pending.get(contextKey(channelId, txid));
      if (pending === undefined) {
        throw new Error('no ledger context');
      }
      answer = {
        type: Type.RESPONSE,
        payload: await answerShimRequest(request, pending.invocation, this.#invokeOther),
      };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const text = `${requestName(request)} failed: transaction ID: ${txid}: ${reason}`;
      answer = { type: Type.ERROR, payload: Buffer.from(text) };
    }
    if (stream.writable) {
      stream.write(message(peer.ChaincodeMessage, { ...answer, channelId, txid }));
    }
  }
}

function contextKey(channel: string, transactionId: string): string {
  return `${channel}/${transactionId}`;
}
