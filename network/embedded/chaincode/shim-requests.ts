// SPDX-License-Identifier: Apache-2.0
import { peer } from '@hyperledger/fabric-protos';
import type { RunningInvocation } from './invocation.js';
import { closeRange, continueRange, openRange } from './range-queries.js';

const { Type } = peer.ChaincodeMessage;
const NOTHING = new Uint8Array();

/** Runs another chaincode on behalf of an invocation; gives back its whole final message. */
export type InvokeOther = (
  caller: RunningInvocation,
  target: { readonly chaincode: string; readonly channel: string },
  input: peer.ChaincodeInput,
) => Promise<peer.ChaincodeMessage>;

/**
 * Answers one request of a running chaincode, by the rules of Fabric's handler.
 * @returns payload of the RESPONSE.
 * @throws Error whose text goes back to the chaincode.
 */
export async function answerShimRequest(
  message: peer.ChaincodeMessage,
  invocation: RunningInvocation,
  invokeOther: InvokeOther,
): Promise<Uint8Array> {
  const { simulator, namespace } = invocation;
  const payload = message.getPayload_asU8();
  switch (message.getType()) {
    case Type.GET_STATE: {
      const request = peer.GetState.deserializeBinary(payload);
      refuseCollection(request.getCollection(), invocation);
      return simulator.getState(namespace, request.getKey()) ?? NOTHING;
    }
    case Type.PUT_STATE: {
      const request = peer.PutState.deserializeBinary(payload);
      refuseCollection(request.getCollection(), invocation);
      simulator.putState(namespace, request.getKey(), request.getValue_asU8());
      return NOTHING;
    }
    case Type.DEL_STATE: {
      const request = peer.DelState.deserializeBinary(payload);
      refuseCollection(request.getCollection(), invocation);
      simulator.deleteState(namespace, request.getKey());
      return NOTHING;
    }
    case Type.GET_STATE_BY_RANGE: {
      const request = peer.GetStateByRange.deserializeBinary(payload);
      refuseCollection(request.getCollection(), invocation);
      return openRange(request, invocation);
    }
    case Type.QUERY_STATE_NEXT:
      return continueRange(peer.QueryStateNext.deserializeBinary(payload).getId(), invocation);
    case Type.QUERY_STATE_CLOSE:
      return closeRange(peer.QueryStateClose.deserializeBinary(payload).getId(), invocation);
    case Type.INVOKE_CHAINCODE:
      return invoke(peer.ChaincodeSpec.deserializeBinary(payload), invocation, invokeOther);
    case Type.GET_QUERY_RESULT:
      throw new Error('ExecuteQuery not supported for leveldb');
    case Type.GET_HISTORY_FOR_KEY:
      throw new Error('history database is not enabled');
    default:
      throw new Error(`${requestName(message)} is not supported by the development ledger`);
  }
}

/** Name of a request's type, as error texts name it. */
export function requestName(message: peer.ChaincodeMessage): string {
  const type = message.getType();
  return Object.entries(Type).find(([, value]) => value === type)?.[0] ?? String(type);
}

async function invoke(
  spec: peer.ChaincodeSpec,
  caller: RunningInvocation,
  invokeOther: InvokeOther,
): Promise<Uint8Array> {
  // "name", "name:version", "name/channel" or "name:version/channel"; the version plays no part.
  const [nameAndVersion = '', channel = ''] = (spec.getChaincodeId()?.getName() ?? '').split('/', 2);
  const [chaincode = ''] = nameAndVersion.split(':', 1);
  const target = { chaincode, channel: channel === '' ? caller.channel : channel };
  const final = await invokeOther(caller, target, spec.getInput() ?? new peer.ChaincodeInput());
  return final.serializeBinary();
}

/** No private data collection is ever defined here, so the answer is the peer's for one that is not. */
function refuseCollection(collection: string, { channel, namespace }: RunningInvocation): void {
  if (collection !== '') {
    throw new Error(`collection ${channel}/${namespace}/${collection} could not be found`);
  }
}
