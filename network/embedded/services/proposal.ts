// SPDX-License-Identifier: Apache-2.0
import { common, peer } from '@hyperledger/fabric-protos';
import { message, type MessageType } from '../message.js';
import { proposalHash, transactionIdOf } from '../ledger/transaction.js';

/** A client's request to run a chaincode, taken apart. Error texts here and below are those of Fabric's endorser. */
export interface Proposal {
  readonly signed: peer.SignedProposal;
  readonly header: common.Header;
  readonly channelHeader: common.ChannelHeader;
  readonly channel: string;
  readonly transactionId: string;
  readonly chaincode: string;
  readonly creator: Uint8Array;
  readonly nonce: Uint8Array;
  readonly input: peer.ChaincodeInput;
  /** ChaincodeProposalPayload without its transient map, as hashed and stored in the block. */
  readonly payloadWithoutTransient: Uint8Array;
  readonly hasTransientData: boolean;
  readonly hash: Uint8Array;
}

/** @throws Error with Fabric's text */
export function parseProposal(signed: peer.SignedProposal | undefined): Proposal {
  if (signed === undefined || signed.getProposalBytes_asU8().length === 0) {
    throw new Error('a signed proposal is required');
  }
  const proposal = decode('Proposal', peer.Proposal, signed.getProposalBytes_asU8());
  const header = decode('Header', common.Header, proposal.getHeader_asU8());
  const channelHeader = decode('ChannelHeader', common.ChannelHeader, header.getChannelHeader_asU8());
  const signatureHeader = decode('SignatureHeader', common.SignatureHeader, header.getSignatureHeader_asU8());
  const payload = decode('ChaincodeProposalPayload', peer.ChaincodeProposalPayload, proposal.getPayload_asU8());
  const invocation = decode('ChaincodeInvocationSpec', peer.ChaincodeInvocationSpec, payload.getInput_asU8());
  const spec = invocation.getChaincodeSpec();
  const extensionBytes = channelHeader.getExtension_asU8();
  const extension = decode('ChaincodeHeaderExtension', peer.ChaincodeHeaderExtension, extensionBytes);
  const channel = channelHeader.getChannelId();
  if (channel === '') {
    throw new Error('no channel id provided');
  }
  if (spec === undefined) {
    throw new Error(`no chaincode spec is provided, channel id [${channel}]`);
  }
  if ((spec.getChaincodeId()?.getName() ?? '') === '') {
    throw new Error(`no chaincode name is provided, channel id [${channel}]`);
  }
  const chaincode = extension.getChaincodeId()?.getName() ?? '';
  if (chaincode === '') {
    throw new Error('ChaincodeHeaderExtension.ChaincodeId.Name is empty');
  }
  const input = spec.getInput();
  if (input === undefined) {
    throw new Error('chaincode input did not contain any input');
  }
  const payloadWithoutTransient = withoutTransient(payload);
  return {
    signed,
    header,
    channelHeader,
    channel,
    transactionId: channelHeader.getTxId(),
    chaincode,
    creator: signatureHeader.getCreator_asU8(),
    nonce: signatureHeader.getNonce_asU8(),
    input,
    payloadWithoutTransient,
    hasTransientData: payload.getTransientmapMap().getLength() > 0,
    hash: proposalHash(header.getChannelHeader_asU8(), header.getSignatureHeader_asU8(), payloadWithoutTransient),
  };
}

/** @returns the fault of the proposal's form; undefined if it has none. */
export function proposalFault(proposal: Proposal): string | undefined {
  const type = proposal.channelHeader.getType();
  if (type !== common.HeaderType.ENDORSER_TRANSACTION) {
    const name = Object.entries(common.HeaderType).find(([, value]) => value === type)?.[0];
    return `invalid header type ${name ?? type}`;
  }
  if (proposal.channelHeader.getEpoch() !== 0) {
    return 'epoch is non-zero';
  }
  if (proposal.nonce.length === 0) {
    return 'nonce is empty';
  }
  if (proposal.creator.length === 0) {
    return 'creator is empty';
  }
  const expected = transactionIdOf(proposal.nonce, proposal.creator);
  if (proposal.transactionId !== expected) {
    return `incorrectly computed txid '${proposal.transactionId}' -- expected '${expected}'`;
  }
  return proposal.signed.getSignature_asU8().length === 0 ? 'empty signature bytes' : undefined;
}

/** Made anew rather than cut out: the input's bytes stay, and the transient map is all else there is. */
function withoutTransient(payload: peer.ChaincodeProposalPayload): Uint8Array {
  return message(peer.ChaincodeProposalPayload, { input: payload.getInput_asU8() }).serializeBinary();
}

function decode<T>(what: string, type: MessageType<T>, bytes: Uint8Array): T {
  try {
    return type.deserializeBinary(bytes);
  } catch (cause) {
    throw new Error(`error unmarshalling ${what}`, { cause });
  }
}
