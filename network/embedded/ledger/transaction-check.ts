// SPDX-License-Identifier: Apache-2.0
import { common, peer } from '@hyperledger/fabric-protos';
import type { Identity, MspRegistry } from '../identity/msp.js';
import type { SignaturePolicy } from '../identity/policy.js';
import { decodeReadWriteSet, type NamespaceReadWriteSet } from './read-write-set.js';
import {
  InvalidTransaction,
  parseEndorsedTransaction,
  parseEnvelope,
  transactionIdOf,
  type EndorsedTransaction,
  type SignedEnvelope,
  type ValidationCode,
} from './transaction.js';

const { TxValidationCode } = peer;

/** Rules of a channel for its transactions. */
export interface ValidationRules {
  readonly channel: string;
  readonly members: ReadonlySet<string>;
  readonly msps: MspRegistry;
  /** Endorsement policy of a chaincode; undefined if none of that name is defined. */
  endorsementPolicy(chaincode: string): SignaturePolicy | undefined;
  /** Whether a transaction with this id is on the ledger. */
  isKnown(transactionId: string): boolean;
}

/** Validity of one envelope, as far as it does not depend on the other transactions of its block. */
export interface CheckedTransaction {
  /** Undefined if the id is not this transaction's to have: forged, or another's that is on the ledger. */
  readonly transactionId: string | undefined;
  readonly code: ValidationCode;
  /** Empty unless the code is VALID. */
  readonly readWriteSets: readonly NamespaceReadWriteSet[];
}

/**
 * Checks form, creator's signature, transaction id, and endorsements against the policy of every namespace written to.
 * In the order of Fabric's validator, which decides the code where several things are wrong. Whether its reads are
 * still current is checked by multi-version concurrency control.
 */
export function checkTransaction(bytes: Uint8Array, rules: ValidationRules): CheckedTransaction {
  let transactionId: string | undefined;
  try {
    const envelope = parseEnvelope(bytes);
    const isKnown = rules.isKnown(envelope.transactionId);
    const isOwn = envelope.transactionId === transactionIdOf(envelope.nonce, envelope.creator);
    transactionId = isOwn && !isKnown ? envelope.transactionId : undefined;
    authenticate(envelope, rules);
    if (!isOwn) {
      throw new InvalidTransaction(TxValidationCode.BAD_PROPOSAL_TXID);
    }
    if (isKnown) {
      throw new InvalidTransaction(TxValidationCode.DUPLICATE_TXID);
    }
    const transaction = parseEndorsedTransaction(envelope);
    const readWriteSets = parseReadWriteSets(transaction);
    checkEndorsements(transaction, readWriteSets, rules);
    return { transactionId, code: TxValidationCode.VALID, readWriteSets };
  } catch (error) {
    if (error instanceof InvalidTransaction) {
      return { transactionId, code: error.code, readWriteSets: [] };
    }
    throw error;
  }
}

/** Identity of a channel member, if its organisation's CA issued the certificate. */
export function memberIdentity(
  serialized: Uint8Array,
  { msps, members }: Pick<ValidationRules, 'msps' | 'members'>,
): Identity | undefined {
  const identity = msps.identity(serialized);
  return identity?.valid === true && members.has(identity.mspId) ? identity : undefined;
}

/** The envelope is a transaction for this channel, and its creator a member who signed it. */
function authenticate(envelope: SignedEnvelope, rules: ValidationRules): void {
  const { type, channelHeader, nonce } = envelope;
  const isTransaction = type === common.HeaderType.ENDORSER_TRANSACTION;
  if (!isTransaction || channelHeader.getEpoch() !== 0 || nonce.length === 0 || envelope.creator.length === 0) {
    throw new InvalidTransaction(TxValidationCode.BAD_COMMON_HEADER);
  }
  const creator = memberIdentity(envelope.creator, rules);
  if (creator === undefined || !creator.verify(envelope.payload, envelope.signature)) {
    throw new InvalidTransaction(TxValidationCode.BAD_CREATOR_SIGNATURE);
  }
  if (envelope.channel !== rules.channel) {
    throw new InvalidTransaction(TxValidationCode.TARGET_CHAIN_NOT_FOUND);
  }
}

function parseReadWriteSets(transaction: EndorsedTransaction): NamespaceReadWriteSet[] {
  let sets: NamespaceReadWriteSet[];
  try {
    sets = decodeReadWriteSet(transaction.readWriteSet);
  } catch (cause) {
    throw new InvalidTransaction(TxValidationCode.BAD_RWSET, { cause });
  }
  if (new Set(sets.map(({ namespace }) => namespace)).size !== sets.length) {
    throw new InvalidTransaction(TxValidationCode.ILLEGAL_WRITESET);
  }
  return sets;
}

function checkEndorsements(
  transaction: EndorsedTransaction,
  sets: readonly NamespaceReadWriteSet[],
  rules: ValidationRules,
): void {
  let signers: Identity[] | undefined;
  const written = sets.filter(({ writes }) => writes.length > 0).map(({ namespace }) => namespace);
  for (const namespace of new Set([transaction.chaincode, ...written])) {
    const policy = rules.endorsementPolicy(namespace);
    if (policy === undefined) {
      throw new InvalidTransaction(TxValidationCode.INVALID_CHAINCODE);
    }
    signers ??= verifiedEndorsers(transaction, rules);
    if (!policy.isSatisfiedBy(signers)) {
      throw new InvalidTransaction(TxValidationCode.ENDORSEMENT_POLICY_FAILURE);
    }
  }
}

/** Endorsers whose signature over response payload ‖ endorser holds; the others count as if they were not there. */
function verifiedEndorsers({ endorsements, responsePayload }: EndorsedTransaction, rules: ValidationRules): Identity[] {
  return endorsements.flatMap(({ endorser, signature }) => {
    const identity = memberIdentity(endorser, rules);
    const verified = identity?.verify(Buffer.concat([responsePayload, endorser]), signature);
    return verified ? [identity!] : [];
  });
}
