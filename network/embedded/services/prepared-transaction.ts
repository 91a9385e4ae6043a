// SPDX-License-Identifier: Apache-2.0
import { common, peer } from '@hyperledger/fabric-protos';
import { message } from '../message.js';
import type { Proposal } from './proposal.js';

/** Assembles the transaction that the client then signs. Transient data is not part of it. */
export function prepareTransaction(
  proposal: Proposal,
  responsePayload: Uint8Array,
  endorsements: readonly peer.Endorsement[],
): common.Envelope {
  const action = message(peer.ChaincodeEndorsedAction, {
    proposalResponsePayload: responsePayload,
    endorsementsList: [...endorsements],
  });
  const actionPayload = message(peer.ChaincodeActionPayload, {
    chaincodeProposalPayload: proposal.payloadWithoutTransient,
    action,
  });
  const transactionAction = message(peer.TransactionAction, {
    header: proposal.header.getSignatureHeader_asU8(),
    payload: actionPayload.serializeBinary(),
  });
  const data = message(peer.Transaction, { actionsList: [transactionAction] }).serializeBinary();
  const payload = message(common.Payload, { header: proposal.header, data }).serializeBinary();
  return message(common.Envelope, { payload });
}
