// SPDX-License-Identifier: Apache-2.0
import { status as GrpcStatus } from '@grpc/grpc-js';
import { gateway, type peer } from '@hyperledger/fabric-protos';
import { message } from '../message.js';
import { requireReader, type Channels } from './access.js';
import type { Broadcast } from './broadcast.js';
import { endorse, isSuccess, type Endorser, type EndorserResult } from './endorser.js';
import type { LedgerPeer, PeerDirectory } from './peers.js';
import { prepareTransaction } from './prepared-transaction.js';
import { parseProposal, type Proposal } from './proposal.js';
import { decodeSigned, RpcError } from './rpc-error.js';

/** Services that all gateways of the process share. */
export interface GatewayServices {
  readonly channels: Channels;
  readonly peers: PeerDirectory;
  readonly endorser: Endorser;
  readonly broadcast: Broadcast;
}

/** One peer's gateway: the unary requests of Fabric's gateway service, with its status codes and texts. */
export class Gateway {
  readonly #peer: LedgerPeer;
  readonly #services: GatewayServices;

  constructor(peer: LedgerPeer, services: GatewayServices) {
    this.#peer = peer;
    this.#services = services;
  }

  /** @throws RpcError */
  async evaluate(request: gateway.EvaluateRequest): Promise<gateway.EvaluateResponse> {
    const proposal = this.#parse(request.getProposedTransaction(), 'failed to unpack transaction proposal: ');
    this.#requireChannel(proposal.channel, GrpcStatus.UNAVAILABLE);
    const endorser = this.#evaluator(proposal, request.getTargetOrganizationsList());
    const result = await this.#services.endorser.process(proposal);
    if (result.kind === 'ran' && isSuccess(result.response)) {
      return message(gateway.EvaluateResponse, { result: result.response });
    }
    const text = failureText(result);
    const details = [{ address: endorser.address, mspId: endorser.mspId, message: text }];
    if (result.kind === 'failed') {
      const advice = 'failed to evaluate transaction, see attached details for more info';
      throw new RpcError(GrpcStatus.ABORTED, advice, details);
    }
    const code = result.kind === 'rejected' ? GrpcStatus.FAILED_PRECONDITION : GrpcStatus.UNKNOWN;
    throw new RpcError(code, `evaluate call to endorser returned error: ${text}`, details);
  }

  /** @throws RpcError */
  async endorse(request: gateway.EndorseRequest): Promise<gateway.EndorseResponse> {
    const proposal = this.#parse(request.getProposedTransaction(), '');
    const organizations = request.getEndorsingOrganizationsList();
    const candidates = organizations.length > 0 ? this.#oneOfEach(proposal, organizations) : this.#any(proposal);
    const result = await this.#services.endorser.process(proposal);
    if (result.kind !== 'ran' || !isSuccess(result.response) || result.payload === undefined) {
      const failure = organizations.length > 0 ? 'collect enough transaction endorsements' : 'endorse transaction';
      const { address, mspId } = candidates[0]!;
      const details = [{ address, mspId, message: failureText(result) }];
      throw new RpcError(GrpcStatus.ABORTED, `failed to ${failure}, see attached details for more info`, details);
    }
    // A client that names the organisations is responsible for satisfying the policy.
    const endorsers = organizations.length > 0 ? candidates : this.#sufficient(proposal, result.namespaces, candidates);
    const { payload } = result;
    const endorsements = endorsers.map(({ signer }) => endorse(payload, signer));
    const preparedTransaction = prepareTransaction(proposal, payload, endorsements);
    return message(gateway.EndorseResponse, { preparedTransaction });
  }

  /** @throws RpcError */
  submit(request: gateway.SubmitRequest): gateway.SubmitResponse {
    const envelope = request.getPreparedTransaction();
    if (envelope === undefined) {
      throw new RpcError(GrpcStatus.INVALID_ARGUMENT, 'a prepared transaction is required');
    }
    if (envelope.getSignature_asU8().length === 0) {
      throw new RpcError(GrpcStatus.INVALID_ARGUMENT, 'prepared transaction must be signed');
    }
    this.#requireChannel(request.getChannelId(), GrpcStatus.FAILED_PRECONDITION);
    const { statusName, info } = this.#services.broadcast.submit(envelope.serializeBinary());
    if (statusName !== 'SUCCESS') {
      const text = `received unsuccessful response from orderer: status=${statusName}, info=${info}`;
      throw new RpcError(GrpcStatus.ABORTED, text);
    }
    return new gateway.SubmitResponse();
  }

  /**
   * Answers as soon as the transaction is committed, valid or not.
   * @throws RpcError
   */
  async commitStatus(
    signed: gateway.SignedCommitStatusRequest,
    signal: AbortSignal,
  ): Promise<gateway.CommitStatusResponse> {
    const request = decodeSigned('commit status request', gateway.CommitStatusRequest, signed, 'status request');
    const fault =
      (request.getIdentity_asU8().length === 0 && 'no identity provided') ||
      (request.getChannelId() === '' && 'no channel ID provided') ||
      (request.getTransactionId() === '' && 'transaction ID should not be empty');
    if (fault) {
      throw new RpcError(GrpcStatus.INVALID_ARGUMENT, fault);
    }
    const { channels } = this.#services;
    requireReader(channels, request, signed);
    const status = await channels.get(request.getChannelId())!.waitForTransaction(request.getTransactionId(), signal);
    if (status === undefined) {
      throw new RpcError(GrpcStatus.UNAVAILABLE, 'the request ended before the transaction was committed');
    }
    const result = status.code as peer.TxValidationCodeMap[keyof peer.TxValidationCodeMap];
    return message(gateway.CommitStatusResponse, { result, blockNumber: status.block });
  }

  #parse(signed: peer.SignedProposal | undefined, prefix: string): Proposal {
    try {
      return parseProposal(signed);
    } catch (error) {
      throw new RpcError(GrpcStatus.INVALID_ARGUMENT, `${prefix}${(error as Error).message}`);
    }
  }

  #requireChannel(name: string, code: GrpcStatus): void {
    if (!this.#services.channels.has(name)) {
      const reason = `could not get last config for channel ${name}`;
      throw new RpcError(code, `failed to get config for channel [${name}]: ${reason}`);
    }
  }

  #holders({ channel, chaincode }: Proposal): LedgerPeer[] {
    return this.#services.peers.holders(channel, chaincode, this.#peer);
  }

  /** The peer that evaluates. Transient data goes to no other organisation unless the client names it. */
  #evaluator(proposal: Proposal, targets: readonly string[]): LedgerPeer {
    const protect = proposal.hasTransientData && targets.length === 0;
    const allowed = protect ? [this.#peer.mspId] : targets;
    const holders = this.#holders(proposal);
    const found = holders.find(({ mspId }) => allowed.length === 0 || allowed.includes(mspId));
    if (found === undefined) {
      const reason = `no peers available to evaluate chaincode ${proposal.chaincode} in channel ${proposal.channel}`;
      const advice =
        "no endorsers found in the gateway's organization; retry specifying target organization(s) to protect transient data: ";
      throw new RpcError(GrpcStatus.FAILED_PRECONDITION, `${protect ? advice : ''}${reason}`);
    }
    return found;
  }

  #oneOfEach(proposal: Proposal, organizations: readonly string[]): LedgerPeer[] {
    const holders = this.#holders(proposal);
    const chosen = organizations.map((mspId) => holders.find((holder) => holder.mspId === mspId));
    const missing = organizations.filter((_, index) => chosen[index] === undefined);
    if (missing.length > 0) {
      const text = `failed to find any endorsing peers for org(s): ${missing.join(', ')}`;
      throw new RpcError(GrpcStatus.UNAVAILABLE, text);
    }
    return chosen.filter((holder) => holder !== undefined);
  }

  /** All holders, the first of which simulates. */
  #any(proposal: Proposal): LedgerPeer[] {
    const holders = this.#holders(proposal);
    if (proposal.hasTransientData && holders[0]?.mspId !== this.#peer.mspId) {
      const advice = 'retry specifying endorsing organization(s) to protect transient data';
      throw new RpcError(GrpcStatus.FAILED_PRECONDITION, `no endorsers found in the gateway's organization; ${advice}`);
    }
    if (holders.length === 0) {
      const text = 'no combination of peers can be derived which satisfy the endorsement policy';
      const reason = `No metadata was found for chaincode ${proposal.chaincode} in channel ${proposal.channel}`;
      throw new RpcError(GrpcStatus.FAILED_PRECONDITION, `${text}: ${reason}`);
    }
    return holders;
  }

  #sufficient(
    { channel, chaincode }: Proposal,
    namespaces: readonly string[],
    holders: readonly LedgerPeer[],
  ): readonly LedgerPeer[] {
    const endorsers = this.#services.peers.endorsers(channel, [...new Set([chaincode, ...namespaces])], holders);
    if (endorsers === undefined) {
      const text = 'failed to select a set of endorsers that satisfy the endorsement policy';
      throw new RpcError(GrpcStatus.FAILED_PRECONDITION, `${text} due to unavailability of peers: []`);
    }
    return endorsers;
  }
}

function failureText(result: EndorserResult): string {
  return result.kind === 'ran'
    ? `chaincode response ${result.response.getStatus()}, ${result.response.getMessage()}`
    : result.message;
}
