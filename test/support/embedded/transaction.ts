// SPDX-License-Identifier: Apache-2.0
import { common, peer } from '@hyperledger/fabric-protos';
import type { SigningIdentity } from '../../../network/embedded/identity/signing-identity.js';
import { newSignatureHeader } from '../../../network/embedded/ledger/block.js';
import { ReadWriteSetBuilder } from '../../../network/embedded/ledger/read-write-set.js';
import { transactionIdOf } from '../../../network/embedded/ledger/transaction.js';
import { endorse } from '../../../network/embedded/services/endorser.js';
import { prepareTransaction } from '../../../network/embedded/services/prepared-transaction.js';
import { parseProposal, type Proposal } from '../../../network/embedded/services/proposal.js';

/** Parts of a test transaction; each can be falsified. */
export interface TransactionParts {
  readonly channel?: string;
  readonly chaincode?: string;
  readonly transactionId?: string;
  readonly epoch?: number;
  readonly type?: number;
  readonly transient?: Readonly<Record<string, string>>;
}

/** A signed proposal, as a client makes it. */
export function newProposal(creator: SigningIdentity, parts: TransactionParts = {}): peer.SignedProposal {
  const { channel = 'consumption', chaincode = 'consumption' } = parts;
  const signatureHeader = newSignatureHeader(creator.serialized);
  const id = new peer.ChaincodeID();
  id.setName(chaincode);
  const extension = new peer.ChaincodeHeaderExtension();
  extension.setChaincodeId(id);
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(parts.type ?? common.HeaderType.ENDORSER_TRANSACTION);
  channelHeader.setChannelId(channel);
  channelHeader.setTxId(parts.transactionId ?? transactionIdOf(signatureHeader.getNonce_asU8(), creator.serialized));
  channelHeader.setEpoch(parts.epoch ?? 0);
  channelHeader.setExtension$(extension.serializeBinary());
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(signatureHeader.serializeBinary());
  const input = new peer.ChaincodeInput();
  input.setArgsList([Buffer.from('Put'), Buffer.from('key')]);
  const spec = new peer.ChaincodeSpec();
  spec.setChaincodeId(id);
  spec.setInput(input);
  const invocation = new peer.ChaincodeInvocationSpec();
  invocation.setChaincodeSpec(spec);
  const payload = new peer.ChaincodeProposalPayload();
  payload.setInput(invocation.serializeBinary());
  for (const [name, value] of Object.entries(parts.transient ?? {})) {
    payload.getTransientmapMap().set(name, Buffer.from(value));
  }
  const proposal = new peer.Proposal();
  proposal.setHeader(header.serializeBinary());
  proposal.setPayload(payload.serializeBinary());
  const signed = new peer.SignedProposal();
  signed.setProposalBytes(proposal.serializeBinary());
  signed.setSignature(creator.sign(signed.getProposalBytes_asU8()));
  return signed;
}

/** A read/write set that writes each key of `writes` in a namespace. */
export function writesOf(namespace: string, writes: Readonly<Record<string, string>>): Uint8Array {
  const builder = new ReadWriteSetBuilder();
  Object.entries(writes).forEach(([key, value]) => builder.addWrite(namespace, key, Buffer.from(value)));
  return builder.encode();
}

/** The bytes that the endorsers sign. */
export function responsePayloadOf(proposal: Proposal, results: Uint8Array): Uint8Array {
  const id = new peer.ChaincodeID();
  id.setName(proposal.chaincode);
  id.setVersion('1.0');
  const response = new peer.Response();
  response.setStatus(200);
  const action = new peer.ChaincodeAction();
  action.setResults(results);
  action.setResponse(response);
  action.setChaincodeId(id);
  const payload = new peer.ProposalResponsePayload();
  payload.setProposalHash(proposal.hash);
  payload.setExtension$(action.serializeBinary());
  return payload.serializeBinary();
}

/** Settings of a transaction's envelope. */
export interface EnvelopeParts {
  /** Changes the envelope's payload before it is signed. */
  readonly falsify?: (payload: common.Payload) => void;
}

/** A whole signed transaction. */
export function newTransaction(
  creator: SigningIdentity,
  endorsers: readonly SigningIdentity[],
  results: Uint8Array,
  parts: TransactionParts & EnvelopeParts = {},
): { id: string; envelope: Uint8Array } {
  const proposal = parseProposal(newProposal(creator, parts));
  const payload = responsePayloadOf(proposal, results);
  const envelope = prepareTransaction(
    proposal,
    payload,
    endorsers.map((endorser) => endorse(payload, endorser)),
  );
  const content = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  parts.falsify?.(content);
  envelope.setPayload(content.serializeBinary());
  envelope.setSignature(creator.sign(envelope.getPayload_asU8()));
  return { id: proposal.transactionId, envelope: envelope.serializeBinary() };
}
