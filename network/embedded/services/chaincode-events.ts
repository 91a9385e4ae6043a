// SPDX-License-Identifier: Apache-2.0
import { status as GrpcStatus } from '@grpc/grpc-js';
import { common, gateway, orderer, peer } from '@hyperledger/fabric-protos';
import { validationCodesOf } from '../ledger/block.js';
import type { Channel } from '../ledger/channel.js';
import { parseEndorsedTransaction, parseEnvelope } from '../ledger/transaction.js';
import { message } from '../message.js';
import { requireReader, type Channels } from './access.js';
import { decodeSigned, RpcError } from './rpc-error.js';

const { TypeCase } = orderer.SeekPosition;

/** Events of a block's valid transactions, in their order. */
export function eventsOf(block: common.Block): peer.ChaincodeEvent[] {
  const codes = validationCodesOf(block);
  const envelopes = block.getData()?.getDataList_asU8() ?? [];
  return envelopes.flatMap((bytes, index) => {
    if (codes[index] !== peer.TxValidationCode.VALID) {
      return [];
    }
    const envelope = parseEnvelope(bytes);
    if (envelope.type !== common.HeaderType.ENDORSER_TRANSACTION) {
      return [];
    }
    const { event } = parseEndorsedTransaction(envelope);
    return event === undefined || event.getEventName() === '' ? [] : [event];
  });
}

/**
 * The gateway's chaincode events: a response for each block that has any of the chaincode asked for, from the start
 * position or from behind the transaction named.
 * @throws RpcError
 */
export async function* chaincodeEvents(
  channels: Channels,
  signed: gateway.SignedChaincodeEventsRequest,
  signal: AbortSignal,
): AsyncGenerator<gateway.ChaincodeEventsResponse, void, void> {
  const request = decodeSigned('chaincode events request', gateway.ChaincodeEventsRequest, signed);
  requireReader(channels, request, signed);
  const channel = channels.get(request.getChannelId())!;
  let after = request.getAfterTransactionId();
  for await (const block of channel.blocksFrom(startBlock(channel, request), signal)) {
    let events = eventsOf(block);
    if (after !== '') {
      const index = events.findIndex((event) => event.getTxId() === after);
      events = index < 0 ? [] : events.slice(index + 1);
      after = index < 0 ? after : '';
    }
    const eventsList = events.filter((event) => event.getChaincodeId() === request.getChaincodeId());
    if (eventsList.length > 0) {
      yield message(gateway.ChaincodeEventsResponse, { blockNumber: block.getHeader()!.getNumber(), eventsList });
    }
  }
}

function startBlock(channel: Channel, request: gateway.ChaincodeEventsRequest): number {
  const after = request.getAfterTransactionId();
  const known = after === '' ? undefined : channel.status(after);
  if (known !== undefined) {
    return known.block;
  }
  const position = request.getStartPosition();
  switch (position?.getTypeCase() ?? TypeCase.TYPE_NOT_SET) {
    case TypeCase.SPECIFIED:
      return position!.getSpecified()!.getNumber();
    case TypeCase.NEXT_COMMIT:
    case TypeCase.TYPE_NOT_SET:
      return channel.height;
    default:
      throw new RpcError(GrpcStatus.INVALID_ARGUMENT, 'invalid start position type');
  }
}
