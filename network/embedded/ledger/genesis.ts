// SPDX-License-Identifier: Apache-2.0
import { common } from '@hyperledger/fabric-protos';
import timestampProtos from 'google-protobuf/google/protobuf/timestamp_pb.js';
import type { SigningIdentity } from '../identity/signing-identity.js';
import { message } from '../message.js';
import { wallClockMilliseconds } from '../wall-clock.js';
import { newSignatureHeader } from './block.js';

/** The configuration envelope of block 0. Its configuration is empty: the ledger works by the topology. */
export function channelConfiguration(channelId: string, orderer: SigningIdentity): Uint8Array {
  const channelHeader = message(common.ChannelHeader, {
    type: common.HeaderType.CONFIG,
    version: 1,
    channelId,
    timestamp: timestampProtos.Timestamp.fromDate(new Date(wallClockMilliseconds())),
  });
  const header = message(common.Header, {
    channelHeader: channelHeader.serializeBinary(),
    signatureHeader: newSignatureHeader(orderer.serialized).serializeBinary(),
  });
  const config = message(common.Config, { channelGroup: new common.ConfigGroup() });
  const data = message(common.ConfigEnvelope, { config }).serializeBinary();
  const payload = message(common.Payload, { header, data }).serializeBinary();
  return message(common.Envelope, { payload, signature: orderer.sign(payload) }).serializeBinary();
}
