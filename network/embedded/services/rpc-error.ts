// SPDX-License-Identifier: Apache-2.0
import { Metadata, status as GrpcStatus, type ServiceError } from '@grpc/grpc-js';
import { gateway, google } from '@hyperledger/fabric-protos';
import anyProtos from 'google-protobuf/google/protobuf/any_pb.js';
import { message, type MessageType } from '../message.js';

/** Error of one peer, for the caller of a gateway. */
export interface PeerError {
  /** `host:port` of the peer. */
  readonly address: string;
  readonly mspId: string;
  readonly message: string;
}

/** Trailer in which gRPC carries google.rpc.Status. */
const DETAILS_TRAILER = 'grpc-status-details-bin';

/** A request that is refused: gRPC status, text and details as a Fabric peer sends them. */
export class RpcError extends Error {
  readonly code: GrpcStatus;
  readonly details: readonly PeerError[];

  constructor(code: GrpcStatus, message: string, details: readonly PeerError[] = []) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
    this.details = details;
  }
}

/** A request with the client's signature over its bytes. */
export interface SignedRequest {
  getRequest_asU8(): Uint8Array;
  getSignature_asU8(): Uint8Array;
}

/**
 * Decodes a signed request of a client, without checking the signature.
 * @param invalid Fabric's name of the request in its text about a malformed one
 * @throws RpcError INVALID_ARGUMENT
 */
export function decodeSigned<T>(what: string, type: MessageType<T>, signed: SignedRequest, invalid = what): T {
  const bytes = signed.getRequest_asU8();
  if (bytes.length === 0) {
    throw new RpcError(GrpcStatus.INVALID_ARGUMENT, `a ${what} is required`);
  }
  try {
    return type.deserializeBinary(bytes);
  } catch (error) {
    throw new RpcError(GrpcStatus.INVALID_ARGUMENT, `invalid ${invalid}: ${(error as Error).message}`);
  }
}

/** The form in which grpc-js takes an error. Anything unforeseen becomes UNKNOWN, as in Go. */
export function toServiceError(error: unknown): ServiceError {
  const details = error instanceof Error ? error.message : String(error);
  const code = error instanceof RpcError ? error.code : GrpcStatus.UNKNOWN;
  const metadata = new Metadata();
  if (error instanceof RpcError && error.details.length > 0) {
    metadata.set(DETAILS_TRAILER, Buffer.from(encodeStatus(error).serializeBinary()));
  }
  return Object.assign(new Error(details), { code, details, metadata });
}

function encodeStatus({ code, message: text, details }: RpcError): google.rpc.Status {
  const detailsList = details.map((detail) => {
    const any = new anyProtos.Any();
    any.pack(message(gateway.ErrorDetail, detail).serializeBinary(), 'gateway.ErrorDetail');
    return any;
  });
  return message(google.rpc.Status, { code, message: text, detailsList });
}
