// SPDX-License-Identifier: Apache-2.0
import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';

/** A block as a reader of the ledger sees it. Byte fields are views of the block, not copies. */
export interface DecodedBlock {
  readonly number: bigint;
  /** SHA-256 of the previous block's header, 32 bytes; empty in block 0. */
  readonly previousHash: Uint8Array;
  /** SHA-256 of the transactions' envelopes, one after the other. */
  readonly dataHash: Uint8Array;
  /** Block metadata, unchanged: signatures, last configuration, validation flags, unused, commit hash. */
  readonly metadata: readonly Uint8Array[];
  readonly transactions: readonly DecodedTransaction[];
}

/** One envelope of a block. */
export interface DecodedTransaction {
  /** Hexadecimal transaction id; empty for a configuration. */
  readonly id: string;
  readonly kind: 'endorsed' | 'configuration' | 'other';
  readonly channel: string;
  /** Fabric's TxValidationCode. Only 0, valid, changed the state. */
  readonly validationCode: number;
  /** Organisation of the submitter, whose certificate is in every transaction. */
  readonly creatorMspId: string;
  /** Signed envelope, as hashed into the block. */
  readonly envelope: Uint8Array;
  /** Content of an endorsed transaction; undefined for any other, or when it cannot be decoded. */
  readonly endorsed?: EndorsedAction;
}

/** Invocation and result of an endorsed transaction. */
export interface EndorsedAction {
  readonly chaincode: string;
  /** Transaction name, then arguments. Transient data is never in a block. */
  readonly arguments: readonly Uint8Array[];
  readonly result: Uint8Array;
  readonly endorserMspIds: readonly string[];
  readonly reads: readonly { readonly namespace: string; readonly key: string }[];
  readonly writes: readonly StateWrite[];
  readonly event?: { readonly name: string; readonly payload: Uint8Array };
}

/** A change of the world state; `value` is undefined for a deletion. */
export interface StateWrite {
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** Decodes a block with the write set of each of its transactions, valid or not. */
export function decodeBlock(block: common.Block): DecodedBlock {
  const header = block.getHeader() ?? new common.BlockHeader();
  const metadata = block.getMetadata()?.getMetadataList_asU8() ?? [];
  const flags = metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER] ?? new Uint8Array();
  const envelopes = block.getData()?.getDataList_asU8() ?? [];
  return {
    number: BigInt(header.getNumber()),
    previousHash: header.getPreviousHash_asU8(),
    dataHash: header.getDataHash_asU8(),
    metadata,
    transactions: envelopes.map((envelope, index) =>
      decodeTransaction(envelope, flags[index] ?? peer.TxValidationCode.NOT_VALIDATED),
    ),
  };
}

function decodeTransaction(envelope: Uint8Array, validationCode: number): DecodedTransaction {
  const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(envelope).getPayload_asU8());
  const header = payload.getHeader() ?? new common.Header();
  const channelHeader = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
  const creator = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8()).getCreator_asU8();
  const kind = kindOf(channelHeader.getType());
  const endorsed = kind === 'endorsed' ? decodeAction(payload.getData_asU8()) : undefined;
  return {
    id: channelHeader.getTxId(),
    kind,
    channel: channelHeader.getChannelId(),
    validationCode,
    creatorMspId: msp.SerializedIdentity.deserializeBinary(creator).getMspid(),
    envelope,
    ...(endorsed !== undefined && { endorsed }),
  };
}

function kindOf(headerType: number): DecodedTransaction['kind'] {
  switch (headerType) {
    case common.HeaderType.ENDORSER_TRANSACTION:
      return 'endorsed';
    case common.HeaderType.CONFIG:
      return 'configuration';
    default:
      return 'other';
  }
}

/** An orderer checks the envelope only, so a block can hold an invalid transaction with any content. */
function decodeAction(transaction: Uint8Array): EndorsedAction | undefined {
  try {
    return parseAction(transaction);
  } catch {
    return undefined;
  }
}

function parseAction(transaction: Uint8Array): EndorsedAction {
  const [action] = peer.Transaction.deserializeBinary(transaction).getActionsList();
  const payload = peer.ChaincodeActionPayload.deserializeBinary(action?.getPayload_asU8() ?? new Uint8Array());
  const proposal = peer.ChaincodeProposalPayload.deserializeBinary(payload.getChaincodeProposalPayload_asU8());
  const spec = peer.ChaincodeInvocationSpec.deserializeBinary(proposal.getInput_asU8()).getChaincodeSpec();
  const endorsed = payload.getAction() ?? new peer.ChaincodeEndorsedAction();
  const response = peer.ProposalResponsePayload.deserializeBinary(endorsed.getProposalResponsePayload_asU8());
  const result = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
  const event = peer.ChaincodeEvent.deserializeBinary(result.getEvents_asU8());
  return {
    chaincode: result.getChaincodeId()?.getName() ?? '',
    arguments: spec?.getInput()?.getArgsList_asU8() ?? [],
    result: result.getResponse()?.getPayload_asU8() ?? new Uint8Array(),
    endorserMspIds: endorsed
      .getEndorsementsList()
      .map((endorsement) => msp.SerializedIdentity.deserializeBinary(endorsement.getEndorser_asU8()).getMspid()),
    ...decodeReadWriteSet(result.getResults_asU8()),
    ...(event.getEventName() !== '' && { event: { name: event.getEventName(), payload: event.getPayload_asU8() } }),
  };
}

function decodeReadWriteSet(bytes: Uint8Array): Pick<EndorsedAction, 'reads' | 'writes'> {
  const namespaces = ledger.rwset.TxReadWriteSet.deserializeBinary(bytes)
    .getNsRwsetList()
    .map((set) => ({
      namespace: set.getNamespace(),
      content: ledger.rwset.kvrwset.KVRWSet.deserializeBinary(set.getRwset_asU8()),
    }));
  return {
    reads: namespaces.flatMap(({ namespace, content }) =>
      content.getReadsList().map((read) => ({ namespace, key: read.getKey() })),
    ),
    writes: namespaces.flatMap(({ namespace, content }) =>
      content.getWritesList().map((write) => ({
        namespace,
        key: write.getKey(),
        value: write.getIsDelete() ? undefined : write.getValue_asU8(),
      })),
    ),
  };
}
