// SPDX-License-Identifier: Apache-2.0
import { common, orderer, peer } from '@hyperledger/fabric-protos';
import { validationCodesOf } from '../ledger/block.js';
import type { Channel } from '../ledger/channel.js';
import {
  InvalidTransaction,
  parseEndorsedTransaction,
  parseEnvelope,
  type SignedEnvelope,
} from '../ledger/transaction.js';
import { wallClockMilliseconds } from '../wall-clock.js';
import { accessDenied, type Channels } from './access.js';

const { Status } = common;
const { TypeCase } = orderer.SeekPosition;
type StatusCode = common.StatusMap[keyof common.StatusMap];

/** Fabric's `authentication.timewindow`: an envelope older or newer than this is refused. */
const TIME_WINDOW_MILLISECONDS = 15 * 60 * 1000;

/** Form in which a block is sent. The third of Fabric's, with private data, does not exist here, nor does such data. */
export type BlockForm = 'block' | 'filtered';

/** Answers one seek request with its blocks, then with a status. Ends without one if the signal aborts. */
export async function* deliver(
  channels: Channels,
  request: common.Envelope,
  form: BlockForm,
  signal: AbortSignal,
): AsyncGenerator<peer.DeliverResponse, StatusCode | undefined, void> {
  const seek = parseSeek(request);
  if (seek === undefined) {
    yield statusResponse(Status.BAD_REQUEST);
    return Status.BAD_REQUEST;
  }
  const channel = channels.get(seek.envelope.channel);
  const range = channel === undefined ? Status.NOT_FOUND : authorizedRange(channels, channel, seek);
  if (channel === undefined || typeof range === 'number') {
    yield statusResponse(range as StatusCode);
    return range as StatusCode;
  }
  for await (const block of channel.blocksFrom(range.start, signal)) {
    yield blockResponse(block, channel.name, form);
    if (block.getHeader()!.getNumber() === range.stop) {
      yield statusResponse(Status.SUCCESS);
      return Status.SUCCESS;
    }
    if (range.failIfNotReady && block.getHeader()!.getNumber() + 1 >= channel.height) {
      yield statusResponse(Status.NOT_FOUND);
      return Status.NOT_FOUND;
    }
  }
  return undefined;
}

interface Seek {
  readonly envelope: SignedEnvelope;
  readonly info: orderer.SeekInfo;
}

interface BlockRange {
  readonly start: number;
  readonly stop: number;
  readonly failIfNotReady: boolean;
}

function parseSeek(request: common.Envelope): Seek | undefined {
  try {
    const envelope = parseEnvelope(request.serializeBinary());
    const sent = envelope.channelHeader.getTimestamp()?.toDate().getTime();
    if (sent === undefined || Math.abs(sent - wallClockMilliseconds()) > TIME_WINDOW_MILLISECONDS) {
      return undefined;
    }
    return { envelope, info: orderer.SeekInfo.deserializeBinary(envelope.data) };
  } catch {
    return undefined;
  }
}

function authorizedRange(channels: Channels, channel: Channel, { envelope, info }: Seek): BlockRange | StatusCode {
  const { creator: identity, payload: data, signature } = envelope;
  if (accessDenied(channels, channel.name, 'Readers', { identity, data, signature }) !== undefined) {
    return Status.FORBIDDEN;
  }
  const start = info.getStart() && position(info.getStart()!, channel, 'start');
  const stop = info.getStop() && position(info.getStop()!, channel, 'stop');
  if (start === undefined || stop === undefined || stop < start) {
    return Status.BAD_REQUEST;
  }
  const failIfNotReady = info.getBehavior() === orderer.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY;
  return failIfNotReady && start >= channel.height ? Status.NOT_FOUND : { start, stop, failIfNotReady };
}

function position(seek: orderer.SeekPosition, { height }: Channel, side: 'start' | 'stop'): number | undefined {
  switch (seek.getTypeCase()) {
    case TypeCase.OLDEST:
      return 0;
    case TypeCase.NEWEST:
      return height - 1;
    case TypeCase.SPECIFIED:
      return seek.getSpecified()!.getNumber();
    case TypeCase.NEXT_COMMIT:
      return side === 'start' ? height : undefined;
    default:
      return undefined;
  }
}

function statusResponse(status: StatusCode): peer.DeliverResponse {
  const response = new peer.DeliverResponse();
  response.setStatus(status);
  return response;
}

function blockResponse(block: common.Block, channel: string, form: BlockForm): peer.DeliverResponse {
  const response = new peer.DeliverResponse();
  if (form === 'block') {
    response.setBlock(block);
  } else {
    response.setFilteredBlock(filter(block, channel));
  }
  return response;
}

/** A filtered block holds each transaction's id, type, validity, and its event without the payload. */
function filter(block: common.Block, channel: string): peer.FilteredBlock {
  const codes = validationCodesOf(block);
  const filtered = new peer.FilteredBlock();
  filtered.setChannelId(channel);
  filtered.setNumber(block.getHeader()!.getNumber());
  for (const [index, bytes] of block.getData()!.getDataList_asU8().entries()) {
    const envelope = parseEnvelope(bytes);
    const transaction = new peer.FilteredTransaction();
    transaction.setTxid(envelope.transactionId);
    transaction.setType(envelope.type as common.HeaderTypeMap[keyof common.HeaderTypeMap]);
    transaction.setTxValidationCode(codes[index] as peer.TxValidationCodeMap[keyof peer.TxValidationCodeMap]);
    if (envelope.type === common.HeaderType.ENDORSER_TRANSACTION) {
      transaction.setTransactionActions(filterActions(envelope));
    }
    filtered.addFilteredTransactions(transaction);
  }
  return filtered;
}

function filterActions(envelope: SignedEnvelope): peer.FilteredTransactionActions {
  const actions = new peer.FilteredTransactionActions();
  const event = eventIn(envelope);
  if (event !== undefined) {
    const withoutPayload = new peer.ChaincodeEvent();
    withoutPayload.setChaincodeId(event.getChaincodeId());
    withoutPayload.setTxId(event.getTxId());
    withoutPayload.setEventName(event.getEventName());
    const action = new peer.FilteredChaincodeAction();
    action.setChaincodeEvent(withoutPayload);
    actions.addChaincodeActions(action);
  }
  return actions;
}

/** A transaction that was marked invalid may have no inside that can be read. */
function eventIn(envelope: SignedEnvelope): peer.ChaincodeEvent | undefined {
  try {
    return parseEndorsedTransaction(envelope).event;
  } catch (error) {
    if (error instanceof InvalidTransaction) {
      return undefined;
    }
    throw error;
  }
}
