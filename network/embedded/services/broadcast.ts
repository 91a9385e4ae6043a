// SPDX-License-Identifier: Apache-2.0
import { common } from '@hyperledger/fabric-protos';
import { memberIdentity } from '../ledger/transaction-check.js';
import { InvalidTransaction, parseEnvelope, type SignedEnvelope } from '../ledger/transaction.js';
import { implicitPolicyFailure, satisfies, type Channels } from './access.js';

const { Status } = common;

/** Answer of an orderer: accepted for ordering, which is not yet a commit, or the reason for the refusal. */
export interface BroadcastResult {
  readonly status: common.StatusMap[keyof common.StatusMap];
  /** Fabric's name of the status, such as BAD_REQUEST. */
  readonly statusName: string;
  readonly info: string;
}

/** The orderer's broadcast service: the filters that Fabric's orderer applies, in its order and with its texts. */
export class Broadcast {
  readonly #channels: Channels;
  readonly #absoluteMaxBytes: number;

  /** @param absoluteMaxBytes a larger envelope is refused */
  constructor(channels: Channels, absoluteMaxBytes: number) {
    this.#channels = channels;
    this.#absoluteMaxBytes = absoluteMaxBytes;
  }

  /** Orders an envelope (common.Envelope) or refuses it. */
  submit(bytes: Uint8Array): BroadcastResult {
    let envelope: SignedEnvelope;
    try {
      envelope = parseEnvelope(bytes);
    } catch (error) {
      if (error instanceof InvalidTransaction) {
        return result('BAD_REQUEST', 'could not determine channel ID: error unmarshalling Envelope');
      }
      throw error;
    }
    const channel = this.#channels.get(envelope.channel);
    if (channel === undefined) {
      return result('BAD_REQUEST', 'channel does not exist');
    }
    if (envelope.type === common.HeaderType.CONFIG) {
      return result('BAD_REQUEST', 'message is of type that cannot be processed directly');
    }
    if (envelope.type === common.HeaderType.CONFIG_UPDATE) {
      return result('BAD_REQUEST', 'the development ledger does not accept configuration updates');
    }
    const size = envelope.payload.length + envelope.signature.length;
    if (size > this.#absoluteMaxBytes) {
      const limit = `exceeds maximum allowed ${this.#absoluteMaxBytes} bytes`;
      return result('BAD_REQUEST', `message payload is ${size} bytes and ${limit}`);
    }
    if (channel.rules.msps.identity(envelope.creator)?.expired === true) {
      return result('BAD_REQUEST', 'broadcast client identity expired');
    }
    const creator = memberIdentity(envelope.creator, channel.rules);
    const entitled = creator !== undefined && satisfies(creator, 'Writers');
    if (!entitled || !creator.verify(envelope.payload, envelope.signature)) {
      return result('FORBIDDEN', `${implicitPolicyFailure('Writers')}: permission denied`);
    }
    channel.order(bytes);
    return result('SUCCESS', '');
  }
}

function result(statusName: keyof typeof Status, info: string): BroadcastResult {
  return { status: Status[statusName], statusName, info };
}
