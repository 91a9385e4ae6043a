// SPDX-License-Identifier: Apache-2.0
import { common, peer } from '@hyperledger/fabric-protos';
import { validationCodesOf } from '../ledger/block.js';
import type { Channel } from '../ledger/channel.js';
import { accessDenied, type Channels } from './access.js';
import type { Proposal } from './proposal.js';

/** Fabric's query system chaincode, by which clients read blocks; the only system chaincode here. */
export const SYSTEM_CHAINCODE = 'qscc';

const OK = 200;
const ERROR = 500;

const FUNCTIONS: ReadonlyMap<string, (channel: Channel, argument: string) => Uint8Array> = new Map([
  ['GetChainInfo', chainInfo],
  ['GetBlockByNumber', (channel, number) => blockByNumber(channel, number).serializeBinary()],
  ['GetBlockByTxID', (channel, id) => blockOf(channel, id, 'get block for txID').block.serializeBinary()],
  ['GetTransactionByID', transaction],
]);

/** Runs one query; its first argument is the channel. */
export function runSystemChaincode(proposal: Proposal, channels: Channels): peer.Response {
  const response = new peer.Response();
  try {
    response.setPayload(query(proposal, channels));
    response.setStatus(OK);
  } catch (error) {
    response.setStatus(ERROR);
    response.setMessage((error as Error).message);
  }
  return response;
}

function query({ input, creator, signed }: Proposal, channels: Channels): Uint8Array {
  const [name, channelName, argument] = input.getArgsList_asU8().map((bytes) => Buffer.from(bytes).toString('utf8'));
  if (name === undefined || channelName === undefined) {
    throw new Error(`Incorrect number of arguments, ${input.getArgsList().length}`);
  }
  const run = FUNCTIONS.get(name);
  if (name !== 'GetChainInfo' && argument === undefined) {
    throw new Error(`missing 3rd argument for ${name}`);
  }
  const channel = channels.get(channelName);
  if (channel === undefined) {
    throw new Error(`Invalid chain ID, ${channelName}`);
  }
  if (run === undefined) {
    throw new Error(`access denied for [${name}][${channelName}]: [Unmapped policy for qscc/${name}]`);
  }
  const data = { identity: creator, data: signed.getProposalBytes_asU8(), signature: signed.getSignature_asU8() };
  const denied = accessDenied(channels, channelName, 'Readers', data);
  if (denied !== undefined) {
    throw new Error(`access denied for [${name}][${channelName}]: [${denied}]`);
  }
  return run(channel, argument ?? '');
}

function chainInfo(channel: Channel): Uint8Array {
  const info = new common.BlockchainInfo();
  info.setHeight(channel.height);
  info.setCurrentblockhash(channel.tipHash);
  info.setPreviousblockhash(
    channel
      .block(channel.height - 1)
      ?.getHeader()
      ?.getPreviousHash_asU8() ?? '',
  );
  return info.serializeBinary();
}

function blockByNumber(channel: Channel, text: string): common.Block {
  if (!/^\d{1,15}$/.test(text)) {
    throw new Error(`Failed to parse block number with error strconv.ParseUint: parsing "${text}": invalid syntax`);
  }
  const block = channel.block(Number(text));
  if (block === undefined) {
    throw new Error(`Failed to get block number ${text}, error no such block number [${text}] in index`);
  }
  return block;
}

function blockOf(channel: Channel, id: string, purpose: string): { block: common.Block; index: number } {
  const status = channel.status(id);
  if (status === undefined) {
    throw new Error(`Failed to ${purpose} ${id}, error no such transaction ID [${id}] in index`);
  }
  return { block: channel.block(status.block)!, index: status.transaction };
}

function transaction(channel: Channel, id: string): Uint8Array {
  const { block, index } = blockOf(channel, id, 'get transaction with id');
  const processed = new peer.ProcessedTransaction();
  processed.setTransactionenvelope(common.Envelope.deserializeBinary(block.getData()!.getDataList_asU8()[index]!));
  processed.setValidationcode(validationCodesOf(block)[index]!);
  return processed.serializeBinary();
}
