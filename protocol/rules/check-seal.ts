// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { encodeCanonical } from '../ledger/canonical-json.js';
import { NO_DIGEST } from '../ledger/document.js';
import { type Header, headerDigest } from '../ledger/header.js';
import { type SignedHeader, signedHeaderDigest } from '../ledger/signed-header.js';
import { type Seal, sealDigest, sealToJson, type SignedSeal, verifySealSignature } from '../ledger/seal.js';
import { nextStart } from '../schedule/intervals.js';
import type { IntervalContext } from './interval-context.js';

/** A seal but for its place in the chain. CC builds seals from it and everyone else compares with it. */
export type SealContent = Omit<Seal, 'previous'>;

/** Digests that a consumption seal binds besides its header. */
export interface ConsumptionBinding {
  /** Root of the epoch's registry, 32 bytes. */
  readonly registryRoot: Uint8Array;
  readonly registeredMeters: number;
  /** Digest of the epoch's relay directory, 32 bytes. */
  readonly directoryDigest: Uint8Array;
  /** Digest of `consumption.index`, 32 bytes. */
  readonly indexDigest: Uint8Array;
}

/** What a pricing or billing seal is about. */
export interface FollowingLedger {
  /** The service provider's header. */
  readonly signed: SignedHeader;
  /** The seal that the ledger rests on. */
  readonly basis: Seal;
  /** Digest of the epoch's consumer list, for a pricing seal in price mode `direct` and for no other. */
  readonly consumersDigest?: Uint8Array | undefined;
}

/** The content of a consumption seal. */
export function consumptionSealContent(
  crypto: Crypto,
  context: IntervalContext,
  header: Header,
  binding: ConsumptionBinding,
): SealContent {
  const digest = headerDigest(crypto, header);
  return { ...commonContent(context, header), headerDigest: digest, ...pick(binding), basis: NO_DIGEST };
}

/**
 * The content of a pricing seal, which rests on the consumption seal, or of a billing seal, which rests on the pricing
 * seal.
 *
 */
export function followingSealContent(
  crypto: Crypto,
  context: IntervalContext,
  { signed, basis, consumersDigest = NO_DIGEST }: FollowingLedger,
): SealContent {
  return {
    ...commonContent(context, signed.header),
    headerDigest: signedHeaderDigest(crypto, signed),
    registryRoot: basis.registryRoot,
    registeredMeters: basis.registeredMeters,
    directoryDigest: consumersDigest,
    indexDigest: NO_DIGEST,
    basis: sealDigest(crypto, basis),
  };
}

/**
 * Puts a seal into its chain: the next interval of the same kind and region, and within an epoch the same registry and
 * directory.
 *
 * @param previous the seal of the interval before, undefined for the first
 * @throws ProtocolError `SEAL_CHAIN`
 */
export function chainSeal(
  crypto: Crypto,
  content: SealContent,
  previous: Seal | undefined,
  context: IntervalContext,
): Seal {
  if (previous === undefined) {
    return { ...content, previous: NO_DIGEST };
  }
  const { ledgerId, kind } = content;
  if (
    previous.kind !== kind ||
    previous.ledgerId.region !== ledgerId.region ||
    nextStart(context.parameters, previous.ledgerId.startSeconds) !== ledgerId.startSeconds
  ) {
    throw new ProtocolError('SEAL_CHAIN', 'the previous seal is not that of the interval before');
  }
  if (
    previous.registryEpoch === content.registryEpoch &&
    (!equalBytes(previous.registryRoot, content.registryRoot) ||
      previous.registeredMeters !== content.registeredMeters ||
      !equalBytes(previous.directoryDigest, content.directoryDigest))
  ) {
    throw new ProtocolError('SEAL_CHAIN', 'registry or directory changed within an epoch');
  }
  return { ...content, previous: sealDigest(crypto, previous) };
}

/**
 * A seal against what it must say, and CC's signature.
 *
 * @param content what the checker computed
 * @param previous the seal before, undefined for the first; `unknown` when the checker begins in the middle of a chain
 * @throws ProtocolError `SEAL_CHAIN`, `SEAL_MISMATCH` (names the field), `BAD_SIGNATURE`
 */
export function checkSeal(
  crypto: Crypto,
  signed: SignedSeal,
  content: SealContent,
  previous: Seal | undefined | 'unknown',
  context: IntervalContext,
): void {
  const { seal } = signed;
  const expected =
    previous === 'unknown' ? { ...content, previous: seal.previous } : chainSeal(crypto, content, previous, context);
  const expectedJson = sealToJson(expected);
  for (const [field, value] of Object.entries(sealToJson(seal))) {
    if (!equalBytes(encodeCanonical(value), encodeCanonical(expectedJson[field]!))) {
      throw new ProtocolError(field === 'previous' ? 'SEAL_CHAIN' : 'SEAL_MISMATCH', `seal has another ${field}`);
    }
  }
  verifySealSignature(crypto, signed, context.parameters.controlCenter.signaturePublicKey);
}

function commonContent(
  context: IntervalContext,
  header: Header,
): Omit<SealContent, keyof ConsumptionBinding | 'basis' | 'headerDigest'> {
  return {
    kind: header.kind,
    ledgerId: context.ledgerId,
    count: header.count,
    total: header.total,
    histogram: header.histogram,
    parametersVersion: context.parameters.version,
    parametersDigest: context.parametersDigest,
    registryEpoch: context.registryEpoch,
    closeSeconds: context.closeSeconds,
  };
}

function pick({
  registryRoot,
  registeredMeters,
  directoryDigest,
  indexDigest,
}: ConsumptionBinding): ConsumptionBinding {
  return { registryRoot, registeredMeters, directoryDigest, indexDigest };
}
