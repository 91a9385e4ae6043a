// SPDX-License-Identifier: Apache-2.0
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { common, gateway, orderer, peer } from '@hyperledger/fabric-protos';
import { EmbeddedLedgerError } from '../errors.js';
import { message } from '../message.js';
import { chaincodeEvents } from './chaincode-events.js';
import { deliver } from './deliver.js';
import { endorse, isSuccess } from './endorser.js';
import { Gateway, type GatewayServices } from './gateway.js';
import { ConcurrencyLimit, duplex, serverStream, stopped, unary, write, type StopSignal } from './grpc-calls.js';
import type { LedgerPeer } from './peers.js';
import { parseProposal } from './proposal.js';

/** Fabric's limit for one message. */
const MAXIMUM_MESSAGE_BYTES = 100 * 1024 * 1024;

/** TLS certificate and key of a peer, PEM. */
export interface ServerTls {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

/**
 * A peer's port: Fabric's gateway, deliver and endorser services, and the orderer's broadcast, so that the `peer` command
 * finds all it asks for behind one address.
 */
export class PeerServer {
  readonly #server: Server;

  /** @param concurrency requests that the gateway works on at once */
  constructor(ledgerPeer: LedgerPeer, services: GatewayServices, concurrency: number, stop: StopSignal) {
    this.#server = new Server({
      'grpc.max_receive_message_length': MAXIMUM_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAXIMUM_MESSAGE_BYTES,
    });
    const { channels } = services;
    const ownGateway = new Gateway(ledgerPeer, services);
    const limit = new ConcurrencyLimit('/gateway.Gateway', concurrency);
    this.#server.addService(gateway.GatewayService, {
      evaluate: unary(limit, stop, (request: gateway.EvaluateRequest) => ownGateway.evaluate(request)),
      endorse: unary(limit, stop, (request: gateway.EndorseRequest) => ownGateway.endorse(request)),
      submit: unary(limit, stop, (request: gateway.SubmitRequest) => ownGateway.submit(request)),
      commitStatus: unary(limit, stop, (request: gateway.SignedCommitStatusRequest, signal) =>
        ownGateway.commitStatus(request, signal),
      ),
      chaincodeEvents: serverStream(limit, stop, (request: gateway.SignedChaincodeEventsRequest, signal) =>
        chaincodeEvents(channels, request, signal),
      ),
    });
    this.#server.addService(peer.DeliverService, {
      deliver: duplex(stop, (call: ServerDuplexStream<common.Envelope, peer.DeliverResponse>, signal) =>
        serveDeliver(call, services, signal),
      ),
    });
    this.#server.addService(peer.EndorserService, {
      processProposal: unary(limit, stop, (signed: peer.SignedProposal) =>
        processProposal(signed, ledgerPeer, services),
      ),
    });
    this.#server.addService(orderer.AtomicBroadcastService, {
      broadcast: duplex(stop, (call: ServerDuplexStream<common.Envelope, orderer.BroadcastResponse>, signal) =>
        serveBroadcast(call, services, signal),
      ),
    });
  }

  /**
   * @param port 0 for any that is free.
   * @returns the port.
   * @throws EmbeddedLedgerError `PORT_TAKEN`
   */
  listen(host: string, port: number, { certificate, key }: ServerTls): Promise<number> {
    const credentials = ServerCredentials.createSsl(null, [{ private_key: key, cert_chain: certificate }]);
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host}:${port}`, credentials, (cause, bound) => {
        if (cause === null) {
          resolve(bound);
        } else {
          const reason = `${host}:${port} is in use by another program; end it, or create the ledger with --ports free`;
          reject(new EmbeddedLedgerError('PORT_TAKEN', reason, { cause }));
        }
      });
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

async function serveDeliver(
  call: ServerDuplexStream<common.Envelope, peer.DeliverResponse>,
  { channels }: GatewayServices,
  signal: AbortSignal,
): Promise<void> {
  for await (const request of call as AsyncIterable<common.Envelope>) {
    const blocks = deliver(channels, request, signal);
    let step = await blocks.next();
    for (; !step.done; step = await blocks.next()) {
      await write(call, message(peer.DeliverResponse, { block: step.value }), signal);
    }
    const status = step.value;
    if (status === undefined) {
      throw stopped();
    }
    await write(call, message(peer.DeliverResponse, { status }), signal);
    if (status !== common.Status.SUCCESS) {
      return;
    }
  }
}

async function serveBroadcast(
  call: ServerDuplexStream<common.Envelope, orderer.BroadcastResponse>,
  { broadcast }: GatewayServices,
  signal: AbortSignal,
): Promise<void> {
  for await (const envelope of call as AsyncIterable<common.Envelope>) {
    const { status, info } = broadcast.submit(envelope.serializeBinary());
    await write(call, message(orderer.BroadcastResponse, { status, info }), signal);
    if (status !== common.Status.SUCCESS) {
      return;
    }
  }
}

/** The endorser service proper, which the gateways pass by: one peer, one endorsement. */
async function processProposal(
  signed: peer.SignedProposal,
  { signer }: LedgerPeer,
  { endorser }: GatewayServices,
): Promise<peer.ProposalResponse> {
  const result = await endorser.process(parseProposal(signed));
  if (result.kind === 'rejected') {
    throw new Error(result.message);
  }
  if (result.kind === 'failed') {
    const response = message(peer.Response, { status: 500, message: result.message });
    return message(peer.ProposalResponse, { response });
  }
  const { response, payload } = result;
  if (!isSuccess(response) || payload === undefined) {
    return message(peer.ProposalResponse, { response, payload: payload ?? '' });
  }
  return message(peer.ProposalResponse, { version: 1, response, payload, endorsement: endorse(payload, signer) });
}
