// SPDX-License-Identifier: Apache-2.0

/**
 * Codes of all errors of the protocol layer. They are stable: chaincode errors start with them, and programs decide by
 * them, never by the message.
 */
export type ProtocolErrorCode =
  // Encoding
  | 'BAD_LENGTH'
  | 'MALFORMED'
  | 'NON_CANONICAL'
  | 'LIMIT_EXCEEDED'
  // Cryptography and keys
  | 'ZERO_SHARED_SECRET'
  | 'BAD_POINT'
  | 'DECRYPT_FAILED'
  | 'BAD_SIGNATURE'
  | 'EPOCH_ERASED'
  | 'EPOCH_RANGE'
  | 'K_RANGE'
  // Rows
  | 'WRONG_TYPE'
  | 'WRONG_LEDGER'
  | 'WRONG_TIME'
  | 'BAD_CATEGORY'
  | 'WRONG_PSEUDONYM'
  | 'WRONG_KEY'
  | 'UNREGISTERED'
  | 'CONNECTION_LIMIT'
  // Pages and headers
  | 'ROW_ORDER'
  | 'DUPLICATE_ROW'
  | 'PAGE_MISMATCH'
  | 'PAGE_ORDER'
  | 'PAGE_SIZE'
  | 'HEADER_MISMATCH'
  | 'K_ANONYMITY'
  // Money
  | 'WRONG_PRICE'
  | 'WRONG_BILL'
  | 'PRICE_GRANULARITY'
  | 'TARIFF_INVALID'
  | 'BAD_ENERGY'
  // Seals and what they bind
  | 'SEAL_MISMATCH'
  | 'SEAL_CHAIN'
  | 'INDEX_MISMATCH'
  | 'PARAMETERS_INVALID'
  | 'PARAMETERS_CHAIN'
  | 'NOT_EFFECTIVE'
  | 'REGISTRY_INVALID'
  | 'DIRECTORY_INVALID'
  | 'CONSUMERS_INVALID'
  | 'SUCCESSOR_INVALID'
  /** A feature is refused in the modes of the region. */
  | 'MODE_UNSUPPORTED'
  // Files
  /** A file that is there cannot be read, for a reason of the reader's machine. */
  | 'UNREADABLE'
  // Onion tier
  | 'PACKET_INVALID';

/** An error by whose stable code programs decide. Each layer has one class of its own, with its own codes. */
export abstract class CodedError<Code extends string> extends Error {
  constructor(
    readonly code: Code,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** A refusal of the protocol layer. The message never holds a secret, a pseudonym or a meter's number. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {
  override readonly name = 'ProtocolError';
}
