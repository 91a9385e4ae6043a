// SPDX-License-Identifier: Apache-2.0
import { common, peer } from '@hyperledger/fabric-protos';
import type { Channel } from '../ledger/channel.js';
import { message } from '../message.js';
import { accessDenied, type Channels } from './access.js';
import type { Proposal } from './proposal.js';

/** Fabric's query system chaincode, the only one here, with the one function that clients use: `GetChainInfo`. */
export const SYSTEM_CHAINCODE = 'qscc';

const OK = 200;
const ERROR = 500;

/** Runs one query; its first argument is the channel. */
export function runSystemChaincode(proposal: Proposal, channels: Channels): peer.Response {
  try {
    return message(peer.Response, { status: OK, payload: query(proposal, channels) });
  } catch (error) {
    return message(peer.Response, { status: ERROR, message: (error as Error).message });
  }
}

function query({ input, creator, signed }: Proposal, channels: Channels): Uint8Array {
  const [name, channelName] = input.getArgsList_asU8().map((bytes) => Buffer.from(bytes).toString('utf8'));
  if (name === undefined || channelName === undefined) {
    throw new Error(`Incorrect number of arguments, ${input.getArgsList().length}`);
  }
  const channel = channels.get(channelName);
  if (channel === undefined) {
    throw new Error(`Invalid chain ID, ${channelName}`);
  }
  if (name !== 'GetChainInfo') {
    throw new Error(`access denied for [${name}][${channelName}]: [Unmapped policy for qscc/${name}]`);
  }
  const data = { identity: creator, data: signed.getProposalBytes_asU8(), signature: signed.getSignature_asU8() };
  const denied = accessDenied(channels, channelName, 'Readers', data);
  if (denied !== undefined) {
    throw new Error(`access denied for [${name}][${channelName}]: [${denied}]`);
  }
  return chainInfo(channel);
}

function chainInfo(channel: Channel): Uint8Array {
  const { height, tipHash } = channel;
  const tip = channel.block(height - 1);
  const previousblockhash = tip?.getHeader()?.getPreviousHash_asU8() ?? '';
  return message(common.BlockchainInfo, { height, currentblockhash: tipHash, previousblockhash }).serializeBinary();
}
