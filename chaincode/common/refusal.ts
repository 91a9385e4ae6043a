// SPDX-License-Identifier: Apache-2.0
import { ProtocolError, type ProtocolErrorCode } from '../../protocol/errors.js';

/** Codes of refused transactions, besides those of the protocol layer. Stable: clients decide by them. */
export type RefusalCode =
  | ProtocolErrorCode
  // Who and where
  | 'WRONG_CHANNEL'
  | 'WRONG_MSP'
  // What was sent
  | 'BAD_ARGUMENT'
  | 'MISSING_TRANSIENT'
  // State of the ledger
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'HEADER_MISSING'
  | 'PAGES_MISSING'
  | 'ALREADY_STARTED'
  | 'ALREADY_CHOSEN'
  | 'TOO_MANY_REPLACEMENTS'
  | 'HEADER_REPLACED'
  | 'NOT_CHOSEN'
  | 'ALREADY_SEALED'
  | 'NOT_YET_SEALED'
  // A fault of the chaincode or the peer
  | 'INTERNAL';

/**
 * A refused transaction. The peer forwards only the text, so it starts with the code: `CODE: sentence`.
 * No text names a meter, a pseudonym or a value.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly code: RefusalCode,
    sentence: string,
    options?: { cause?: unknown },
  ) {
    super(`${code}: ${sentence}`, options);
  }
}

/**
 * Turns whatever was thrown into a refusal. The message of an unforeseen error is omitted, because it may quote
 * what was being read; its kind is kept.
 */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) {
    return error;
  }
  if (error instanceof ProtocolError) {
    return new Refusal(error.code, error.message, { cause: error });
  }
  const kind = error instanceof Error ? error.name : typeof error;
  return new Refusal('INTERNAL', `the transaction failed (${kind})`, { cause: error });
}
