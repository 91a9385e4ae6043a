// SPDX-License-Identifier: Apache-2.0
import { peer } from '@hyperledger/fabric-protos';
import type { ChaincodeRuntime } from '../chaincode/chaincode-runtime.js';
import type { Identity } from '../identity/msp.js';
import type { SigningIdentity } from '../identity/signing-identity.js';
import type { Channel } from '../ledger/channel.js';
import type { Database } from '../ledger/database.js';
import { Simulator } from '../ledger/simulator.js';
import { message } from '../message.js';
import { policyFailure, satisfies, type Channels } from './access.js';
import { proposalFault, type Proposal } from './proposal.js';
import { runSystemChaincode, SYSTEM_CHAINCODE } from './system-chaincode.js';

/** Chaincode status from which on a response is an error. */
const ERROR_THRESHOLD = 400;
/** Chaincode status from which on the peer still sends the (unsigned) result. */
const ERROR = 500;

/** Outcome of a proposal. */
export type EndorserResult =
  /** The proposal is not valid, or its sender not authorised: every peer will reject it. */
  | { readonly kind: 'rejected'; readonly message: string }
  /** The peer or the chaincode's process failed: another try may succeed. */
  | { readonly kind: 'failed'; readonly message: string }
  /** The chaincode ran and gave a response, good or bad. */
  | {
      readonly kind: 'ran';
      readonly response: peer.Response;
      /** ProposalResponsePayload; none with a status of 400 to 499. */
      readonly payload: Uint8Array | undefined;
      /** Chaincodes whose state was read or is to be written. */
      readonly namespaces: readonly string[];
    };

/** Whether a chaincode's response can become a transaction. */
export function isSuccess(response: peer.Response): boolean {
  return response.getStatus() >= 200 && response.getStatus() < ERROR_THRESHOLD;
}

/** Checks proposals and simulates them; what one peer or several then sign. */
export class Endorser {
  readonly #channels: Channels;
  readonly #database: Database;
  readonly #chaincodes: ChaincodeRuntime;

  constructor(channels: Channels, database: Database, chaincodes: ChaincodeRuntime) {
    this.#channels = channels;
    this.#database = database;
    this.#chaincodes = chaincodes;
  }

  async process(proposal: Proposal): Promise<EndorserResult> {
    const channel = this.#channels.get(proposal.channel);
    if (channel === undefined) {
      return { kind: 'failed', message: `channel '${proposal.channel}' not found` };
    }
    const rejection = rejectionOf(proposal, channel);
    if (rejection !== undefined) {
      return { kind: 'rejected', message: rejection };
    }
    if (proposal.chaincode === SYSTEM_CHAINCODE) {
      const response = runSystemChaincode(proposal, this.#channels);
      return {
        kind: 'ran',
        response,
        payload: responsePayload(proposal, { response, version: 'syscc' }),
        namespaces: [],
      };
    }
    const definition = this.#chaincodes.definition(proposal.channel, proposal.chaincode);
    if (definition === undefined) {
      const name = `chaincode ${proposal.chaincode}`;
      const advice = `make sure the ${name} has been successfully defined on channel ${proposal.channel} and try again`;
      return { kind: 'failed', message: `${advice}: ${name} not found` };
    }
    return this.#simulate(proposal, definition.version);
  }

  async #simulate(proposal: Proposal, version: string): Promise<EndorserResult> {
    const { channel, transactionId, chaincode: namespace, input, signed: signedProposal } = proposal;
    const simulator = new Simulator(this.#database, channel);
    try {
      const final = await this.#chaincodes
        .execute({ channel, transactionId, namespace, simulator, input, signedProposal })
        .catch((error: unknown) => error as Error);
      const outcome = finalResponse(final, transactionId);
      if (typeof outcome === 'string') {
        return { kind: 'failed', message: `error in simulation: ${outcome}` };
      }
      const { response, event } = outcome;
      const namespaces = simulator.namespaces();
      if (response.getStatus() >= ERROR_THRESHOLD) {
        const payload = response.getStatus() < ERROR ? undefined : responsePayload(proposal, { response, version });
        return { kind: 'ran', response, payload, namespaces };
      }
      event?.setChaincodeId(namespace);
      event?.setTxId(transactionId);
      const payload = responsePayload(proposal, { response, version, results: simulator.results(), event });
      return { kind: 'ran', response, payload, namespaces };
    } finally {
      await simulator.close();
    }
  }
}

/** @returns why no peer of the channel will run the proposal; undefined if one will */
function rejectionOf(proposal: Proposal, channel: Channel): string | undefined {
  const { transactionId, creator, chaincode } = proposal;
  const identity = channel.rules.msps.identity(creator);
  if (identity?.expired === true) {
    return 'proposal client identity expired';
  }
  const fault = proposalFault(proposal) ?? creatorFault(proposal, identity, channel);
  if (fault !== undefined) {
    return `error validating proposal: ${fault}`;
  }
  if (channel.status(transactionId) !== undefined) {
    return `duplicate transaction found [${transactionId}]. Creator [${Buffer.from(creator).toString('hex')}]`;
  }
  // A system chaincode checks its callers itself.
  const entitled = chaincode === SYSTEM_CHAINCODE || satisfies(identity!, 'Writers');
  return entitled ? undefined : policyFailure(channel.name, 'Writers');
}

/** @returns why the creator is not who the proposal says; undefined if a member signed it */
function creatorFault(
  { signed }: Proposal,
  identity: Identity | undefined,
  { name, rules }: Channel,
): string | undefined {
  if (identity === undefined || !rules.members.has(identity.mspId)) {
    return `access denied: channel [${name}] creator org unknown, creator is malformed`;
  }
  return identity.valid && identity.verify(signed.getProposalBytes_asU8(), signed.getSignature_asU8())
    ? undefined
    : `access denied: channel [${name}] creator org [${identity.mspId}]`;
}

/** A peer's endorsement: its signature over response payload ‖ its identity. */
export function endorse(payload: Uint8Array, endorser: SigningIdentity): peer.Endorsement {
  const signature = endorser.sign(Buffer.concat([payload, endorser.serialized]));
  return message(peer.Endorsement, { endorser: endorser.serialized, signature });
}

/** The response within a chaincode's final message, or Fabric's text if there is none. */
function finalResponse(
  final: peer.ChaincodeMessage | Error,
  transactionId: string,
): { response: peer.Response; event: peer.ChaincodeEvent | undefined } | string {
  if (final instanceof Error) {
    return `failed to execute transaction ${transactionId}: ${final.message}`;
  }
  if (final.getType() !== peer.ChaincodeMessage.Type.COMPLETED) {
    return `transaction returned with failure: ${Buffer.from(final.getPayload_asU8()).toString('utf8')}`;
  }
  return { response: peer.Response.deserializeBinary(final.getPayload_asU8()), event: final.getChaincodeEvent() };
}

function responsePayload(
  proposal: Proposal,
  outcome: {
    readonly response: peer.Response;
    readonly version: string;
    readonly results?: Uint8Array;
    readonly event?: peer.ChaincodeEvent | undefined;
  },
): Uint8Array {
  const action = message(peer.ChaincodeAction, {
    response: outcome.response,
    results: outcome.results ?? '',
    events: outcome.event?.serializeBinary() ?? '',
    chaincodeId: message(peer.ChaincodeID, { name: proposal.chaincode, version: outcome.version }),
  });
  const fields = { proposalHash: proposal.hash, extension$: action.serializeBinary() };
  return message(peer.ProposalResponsePayload, fields).serializeBinary();
}
