// SPDX-License-Identifier: Apache-2.0
import { CommitError, GatewayError, StatusCode } from '@hyperledger/fabric-gateway';
import { status as GrpcStatus } from '@grpc/grpc-js';
import { CodedError } from '../../protocol/errors.js';

/**
 * Reasons of the client's own, beside the stable codes that a chaincode puts before its error text:
 * - `PROFILE_INVALID`: connection profile, certificate or key file cannot be read or lacks something;
 * - `DENIED`: the ledger does not accept this identity or request, and asking again cannot help;
 * - `CHAINCODE_ERROR`: the chaincode refused without a code;
 * - `CONFLICT_PERSISTS`: every attempt lost against concurrent transactions;
 * - `INVALID_TRANSACTION`: ordered, but marked invalid for a reason that persists when it is submitted again;
 * - `UNAVAILABLE`: no answer, or none that decides the outcome, within the time allowed;
 * - `CLOSED`: the client was closed.
 */
export type LedgerClientCode =
  | 'PROFILE_INVALID'
  | 'DENIED'
  | 'CHAINCODE_ERROR'
  | 'CONFLICT_PERSISTS'
  | 'INVALID_TRANSACTION'
  | 'UNAVAILABLE'
  | 'CLOSED';

/**
 * A refusal by the ledger. `code` is the chaincode's stable code (`K_ANONYMITY`, `NOT_YET_SEALED`, …) where the
 * chaincode refused, otherwise a {@link LedgerClientCode}. `message` does not repeat the code.
 */
export class LedgerError extends CodedError<LedgerClientCode | (string & {})> {
  override readonly name = 'LedgerError';
}

/** Statuses of gRPC by which a peer says that the same request will be refused again. */
const CLIENT_FAULTS: ReadonlySet<number> = new Set([
  GrpcStatus.INVALID_ARGUMENT,
  GrpcStatus.PERMISSION_DENIED,
  GrpcStatus.UNAUTHENTICATED,
  GrpcStatus.UNIMPLEMENTED,
]);

/** Diagnosis of a failed attempt. */
export interface Diagnosis {
  /** The error to report if no further attempt is made. */
  readonly error: LedgerError;
  /** Whether asking the ledger again, with the transaction simulated and endorsed anew, can succeed. */
  readonly retryable: boolean;
}

/** Transient chaincode refusals: another channel's seal is not committed yet. */
const RETRIED_UNTIL_TIMEOUT: ReadonlySet<string> = new Set(['NOT_YET_SEALED']);

/** Refusals of a transaction because something before it is not there, which may be another peer's doing: see below. */
const RETRIED_FOR_LAGGING_PEERS: ReadonlySet<string> = new Set([
  'HEADER_MISSING',
  'HEADER_REPLACED',
  'NOT_CHOSEN',
  'NOT_FOUND',
  'PAGES_MISSING',
  'PAGE_MISMATCH',
  'PARAMETERS_CHAIN',
  'REGISTRY_INVALID',
  'SEAL_CHAIN',
]);

const CHAINCODE_RESPONSE = /chaincode response \d+, (.*)$/s;
const STABLE_CODE = /^([A-Z][A-Z0-9_]*): (.*)$/s;
/** Texts with which peers and orderers refuse the caller or the message itself; repeating it changes nothing. */
const PERMANENT =
  /access denied|error validating proposal|failed evaluating policy|permission denied|status=(FORBIDDEN|BAD_REQUEST|REQUEST_ENTITY_TOO_LARGE)/i;

const PEER_KNOWS_NONE =
  'this peer knows no peer of the control center that runs the chaincode: the channel has no anchor peers, the ' +
  "chaincode is not deployed, or the control center's MSP id differs";
const NOT_DEPLOYED = 'the chaincode is not deployed on this channel';
const NOT_JOINED = 'this peer has not joined the channel';
const SERVER_SILENT = 'the chaincode server is not running, or the peer cannot reach it';
const NO_ORDERER = 'the orderers have no leader yet, or are not running';
const WRONG_CERTIFICATE = "the connection profile's TLS certificate or host name is not this peer's";
const NO_PEER = 'no peer listens at this address';

/** Likely causes of error texts of gateway, peer or connection. The first match counts. */
const LIKELY_CAUSES: readonly (readonly [RegExp, string])[] = [
  [/no peers available to evaluate|failed to find any endorsing peers|no combination of peers/, PEER_KNOWS_NONE],
  [/namespace \S+ is not defined|chaincode is not installed|chaincode \S+ not found/, NOT_DEPLOYED],
  [/failed to get config for channel|channel \S+ not found/, NOT_JOINED],
  [/could not launch chaincode|error creating grpc connection|chaincode stream terminated/, SERVER_SILENT],
  [/no Raft leader|SERVICE_UNAVAILABLE|no orderer/, NO_ORDERER],
  [/certificate|altnames|SSL routines/i, WRONG_CERTIFICATE],
  [/No connection established|ECONNREFUSED|ENOTFOUND/, NO_PEER],
];

/**
 * Splits the text of a chaincode's refusal, as the gateway passes it on, into code and sentence.
 * @returns undefined if the text is no chaincode response.
 */
export function parseChaincodeRefusal(text: string): { code: string; message: string } | undefined {
  const refusal = CHAINCODE_RESPONSE.exec(text)?.[1];
  if (refusal === undefined) {
    return undefined;
  }
  const [, code, message] = STABLE_CODE.exec(refusal) ?? [];
  return code !== undefined && message !== undefined
    ? { code, message }
    : { code: 'CHAINCODE_ERROR', message: refusal };
}

/**
 * Whether a refusal can come from a peer that is a block or two behind the one that reported the commit of what is
 * missing. A refusal that persists for a few seconds is final.
 */
export function mayBeLag({ code }: LedgerError): boolean {
  return RETRIED_FOR_LAGGING_PEERS.has(code);
}

/** Maps an error of an attempt to the error to report, and tells whether another attempt can succeed. */
export function diagnose(thrown: unknown): Diagnosis {
  if (thrown instanceof LedgerError) {
    return { error: thrown, retryable: false };
  }
  if (thrown instanceof CommitError) {
    return diagnoseCommit(thrown);
  }
  if (!(thrown instanceof GatewayError)) {
    return { error: new LedgerError('UNAVAILABLE', 'the request failed', { cause: thrown }), retryable: false };
  }
  // An evaluation carries the peer's text in its message, an endorsement in the details of each peer asked.
  const texts = [thrown.message, ...thrown.details.map(endorserText)];
  for (const text of texts) {
    const refusal = parseChaincodeRefusal(text);
    if (refusal !== undefined) {
      const error = new LedgerError(refusal.code, refusal.message, { cause: thrown });
      return { error, retryable: RETRIED_UNTIL_TIMEOUT.has(refusal.code) };
    }
  }
  if (texts.some((text) => PERMANENT.test(text)) || CLIENT_FAULTS.has(thrown.code)) {
    return { error: new LedgerError('DENIED', texts.join('; '), { cause: thrown }), retryable: false };
  }
  return { error: new LedgerError('UNAVAILABLE', unavailableText(texts), { cause: thrown }), retryable: true };
}

/** Returns an endorser's message with its origin. */
function endorserText({ mspId, address, message }: GatewayError['details'][number]): string {
  return `${mspId} ${address}: ${message}`;
}

function unavailableText(texts: readonly string[]): string {
  const words = texts.join('; ');
  const cause = LIKELY_CAUSES.find(([pattern]) => pattern.test(words))?.[1];
  return cause === undefined ? words : `${words} (likely cause: ${cause})`;
}

function diagnoseCommit(thrown: CommitError): Diagnosis {
  if (thrown.code === StatusCode.MVCC_READ_CONFLICT || thrown.code === StatusCode.PHANTOM_READ_CONFLICT) {
    const message = 'concurrent transactions changed what this one had read';
    return { error: new LedgerError('CONFLICT_PERSISTS', message, { cause: thrown }), retryable: true };
  }
  return { error: new LedgerError('INVALID_TRANSACTION', thrown.message, { cause: thrown }), retryable: false };
}
