// SPDX-License-Identifier: Apache-2.0
import { common, orderer } from '@hyperledger/fabric-protos';
import type { Channel } from '../ledger/channel.js';
import { parseEnvelope, type SignedEnvelope } from '../ledger/transaction.js';
import { wallClockMilliseconds } from '../wall-clock.js';
import { accessDenied, type Channels } from './access.js';

const { Status } = common;
const { TypeCase } = orderer.SeekPosition;
type StatusCode = common.StatusMap[keyof common.StatusMap];

/** Fabric's `authentication.timewindow`: an envelope older or newer than this is refused. */
const TIME_WINDOW_MILLISECONDS = 15 * 60 * 1000;

/** The blocks that one seek request asks for. @returns the status that follows them; undefined if the signal aborts. */
export async function* deliver(
  channels: Channels,
  request: common.Envelope,
  signal: AbortSignal,
): AsyncGenerator<common.Block, StatusCode | undefined, void> {
  const seek = parseSeek(request);
  if (seek === undefined) {
    return Status.BAD_REQUEST;
  }
  const channel = channels.get(seek.envelope.channel);
  const range = channel === undefined ? Status.NOT_FOUND : authorizedRange(channels, channel, seek);
  if (channel === undefined || typeof range === 'number') {
    return range as StatusCode;
  }
  for await (const block of channel.blocksFrom(range.start, signal)) {
    yield block;
    if (block.getHeader()!.getNumber() === range.stop) {
      return Status.SUCCESS;
    }
    if (range.failIfNotReady && block.getHeader()!.getNumber() + 1 >= channel.height) {
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
