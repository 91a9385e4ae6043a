// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';

const { TxValidationCode } = peer;

/** Fabric's TxValidationCode. */
export type ValidationCode = number;

/** Raised while an envelope is taken apart: the code under which the transaction is marked invalid. */
export class InvalidTransaction extends Error {
  readonly code: ValidationCode;

  constructor(code: ValidationCode, options?: { cause?: unknown }) {
    super(`invalid transaction, code ${code}`, options);
    this.code = code;
  }
}

/** The outer part of an envelope: who sent what to which channel. */
export interface SignedEnvelope {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly type: number;
  readonly channel: string;
  readonly transactionId: string;
  readonly creator: Uint8Array;
  readonly nonce: Uint8Array;
  readonly channelHeader: common.ChannelHeader;
  readonly channelHeaderBytes: Uint8Array;
  readonly data: Uint8Array;
}

/** Content of an endorsed transaction. */
export interface EndorsedTransaction {
  readonly chaincode: string;
  readonly version: string;
  readonly responsePayload: Uint8Array;
  readonly endorsements: readonly { readonly endorser: Uint8Array; readonly signature: Uint8Array }[];
  readonly readWriteSet: Uint8Array;
  readonly event: peer.ChaincodeEvent | undefined;
}

/** @throws InvalidTransaction */
export function parseEnvelope(bytes: Uint8Array): SignedEnvelope {
  const { INVALID_OTHER_REASON, BAD_PAYLOAD } = TxValidationCode;
  const envelope = attempt(INVALID_OTHER_REASON, () => common.Envelope.deserializeBinary(bytes));
  const payload = attempt(BAD_PAYLOAD, () => common.Payload.deserializeBinary(envelope.getPayload_asU8()));
  return attempt(TxValidationCode.BAD_COMMON_HEADER, () => {
    const header = payload.getHeader();
    if (header === undefined) {
      throw new Error('nil header');
    }
    const channelHeaderBytes = header.getChannelHeader_asU8();
    const channelHeader = common.ChannelHeader.deserializeBinary(channelHeaderBytes);
    const signatureHeader = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8());
    return {
      payload: envelope.getPayload_asU8(),
      signature: envelope.getSignature_asU8(),
      type: channelHeader.getType(),
      channel: channelHeader.getChannelId(),
      transactionId: channelHeader.getTxId(),
      creator: signatureHeader.getCreator_asU8(),
      nonce: signatureHeader.getNonce_asU8(),
      channelHeader,
      channelHeaderBytes,
      data: payload.getData_asU8(),
    };
  });
}

/**
 * Takes the transaction apart and checks that its parts belong together: one action, the hash of the proposal, one name
 * for the chaincode throughout.
 * @throws InvalidTransaction
 */
export function parseEndorsedTransaction(envelope: SignedEnvelope): EndorsedTransaction {
  const { INVALID_ENDORSER_TRANSACTION, BAD_HEADER_EXTENSION, BAD_RESPONSE_PAYLOAD } = TxValidationCode;
  const { action, response } = attempt(INVALID_ENDORSER_TRANSACTION, () => parseAction(envelope));
  const extension = attempt(BAD_HEADER_EXTENSION, () =>
    peer.ChaincodeHeaderExtension.deserializeBinary(envelope.channelHeader.getExtension_asU8()),
  );
  const result = attempt(BAD_RESPONSE_PAYLOAD, () =>
    peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8()),
  );
  const chaincode = extension.getChaincodeId()?.getName() ?? '';
  const version = result.getChaincodeId()?.getVersion() ?? '';
  if (chaincode === '' || version === '' || chaincode !== result.getChaincodeId()?.getName()) {
    throw new InvalidTransaction(TxValidationCode.INVALID_CHAINCODE);
  }
  const event = attempt(TxValidationCode.INVALID_OTHER_REASON, () => eventOf(result, chaincode));
  return {
    chaincode,
    version,
    responsePayload: action.getProposalResponsePayload_asU8(),
    endorsements: action
      .getEndorsementsList()
      .map((one) => ({ endorser: one.getEndorser_asU8(), signature: one.getSignature_asU8() })),
    readWriteSet: result.getResults_asU8(),
    event,
  };
}

/** Transaction id: SHA-256 of nonce ‖ creator, hexadecimal. A repeated nonce repeats the id. */
export function transactionIdOf(nonce: Uint8Array, creator: Uint8Array): string {
  return createHash('sha256').update(nonce).update(creator).digest('hex');
}

/**
 * Hash of a proposal, which endorsers sign: SHA-256 of channel header ‖ signature header ‖ payload, the payload without
 * transient data.
 */
export function proposalHash(
  channelHeader: Uint8Array,
  signatureHeader: Uint8Array,
  payloadWithoutTransient: Uint8Array,
): Uint8Array {
  return createHash('sha256').update(channelHeader).update(signatureHeader).update(payloadWithoutTransient).digest();
}

function parseAction(envelope: SignedEnvelope): {
  action: peer.ChaincodeEndorsedAction;
  response: peer.ProposalResponsePayload;
} {
  const actions = peer.Transaction.deserializeBinary(envelope.data).getActionsList();
  const [only] = actions;
  if (only === undefined || actions.length !== 1) {
    throw new Error(`only one action per transaction is supported, tx contains ${actions.length}`);
  }
  const signatureHeader = common.SignatureHeader.deserializeBinary(only.getHeader_asU8());
  const payload = peer.ChaincodeActionPayload.deserializeBinary(only.getPayload_asU8());
  const action = payload.getAction();
  if (action === undefined || signatureHeader.getNonce_asU8().length === 0) {
    throw new Error('nil action or nonce');
  }
  const response = peer.ProposalResponsePayload.deserializeBinary(action.getProposalResponsePayload_asU8());
  const hash = proposalHash(
    envelope.channelHeaderBytes,
    only.getHeader_asU8(),
    payload.getChaincodeProposalPayload_asU8(),
  );
  if (Buffer.compare(hash, response.getProposalHash_asU8()) !== 0) {
    throw new Error('proposal hash does not match');
  }
  return { action, response };
}

function eventOf(result: peer.ChaincodeAction, chaincode: string): peer.ChaincodeEvent | undefined {
  const bytes = result.getEvents_asU8();
  if (bytes.length === 0) {
    return undefined;
  }
  const event = peer.ChaincodeEvent.deserializeBinary(bytes);
  if (event.getChaincodeId() !== chaincode) {
    throw new Error('chaincode event chaincode id does not match chaincode action chaincode id');
  }
  return event;
}

function attempt<T>(code: ValidationCode, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new InvalidTransaction(code, { cause });
  }
}
