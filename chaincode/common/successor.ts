// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { equalBytes, toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import { MAXIMUM_SUCCESSOR_BYTES } from '../../protocol/ledger/limits.js';
import { successorAfterSeconds } from '../../protocol/ledger/parameters.js';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import { decodeSignedSuccessor, type Successor } from '../../protocol/ledger/successor.js';
import { checkSuccessor } from '../../protocol/rules/check-successor.js';
import { nextStart } from '../../protocol/schedule/intervals.js';
import { digestArgument, jsonArgument, regionArgument } from './arguments.js';
import { type Basis, readBasis, readNewestConsumption } from './basis.js';
import { requireControlCenter } from './caller.js';
import { latestStart } from './interval.js';
import { Refusal } from './refusal.js';
import { anyKey, asText, emit, isCommitted, requireState } from './state.js';
import { endOfKeys, stateKey } from './state-keys.js';

/**
 * The transaction `PutSuccessor`: from the oldest interval that is not sealed on this ledger, another service provider
 * writes it. The newest seal and the choices of this ledger are in the read set, so of a successor and a choice or seal
 * of the old service provider's ledger that are endorsed at the same time one is invalidated.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `WRONG_LEDGER`, `CONFLICT` when another successor is committed,
 *   `NOT_YET_SEALED`, `NOT_EFFECTIVE` when it is too early, `ALREADY_CHOSEN`; ProtocolError `SUCCESSOR_INVALID` when its
 *   interval is not the oldest open one, and as `checkSuccessor`
 */
export async function putSuccessor(ctx: Context, kind: ProvidedKind, json: string): Promise<void> {
  requireControlCenter(ctx);
  const bytes = jsonArgument(json, MAXIMUM_SUCCESSOR_BYTES);
  const signed = decodeSignedSuccessor(bytes);
  const { successor } = signed;
  const { region, fromSeconds } = successor;
  if (successor.kind !== kind) {
    throw new Refusal('WRONG_LEDGER', `the successor is not one of ${kind}`);
  }
  const basis = await readBasis(ctx, 'consumption', { region, startSeconds: fromSeconds });
  const { parameters } = basis.context;
  const key = stateKey.successor(region, toHex(parameters.serviceProvider.signaturePublicKey));
  if (await isCommitted(ctx, key, bytes, 'successor of this service provider')) {
    return;
  }
  checkSuccessor(sodiumCrypto, signed, parameters);
  await requireOldestOpen(ctx, successor, basis);
  const newest = await readNewestConsumption(ctx, region);
  const waited = newest.closeSeconds - basis.seal.closeSeconds;
  if (waited < successorAfterSeconds(parameters)) {
    const reason = `the oldest open interval has waited ${waited} s, a successor needs ${successorAfterSeconds(parameters)} s`;
    throw new Refusal('NOT_EFFECTIVE', reason);
  }
  await ctx.stub.putState(key, bytes);
  emit(ctx, 'PutSuccessor', { kind, region, startSeconds: fromSeconds });
}

/** The query `GetSuccessor`. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getSuccessor(ctx: Context, region: string, replacedKey: string): Promise<string> {
  const replaced = toHex(digestArgument('replacedKey', replacedKey));
  return asText(await requireState(ctx, stateKey.successor(regionArgument(region), replaced), 'such successor'));
}

/** The interval is the first that is not sealed here, and no header of it or of a later one is chosen. */
async function requireOldestOpen(
  ctx: Context,
  { region, fromSeconds }: Successor,
  { seal, context }: Basis,
): Promise<void> {
  const latest = await latestStart(ctx, region);
  const isOldest =
    latest === undefined ? equalBytes(seal.previous, NO_DIGEST) : nextStart(context.parameters, latest) === fromSeconds;
  if (!isOldest) {
    throw new Refusal('SUCCESSOR_INVALID', 'the successor does not begin with the oldest interval that is open here');
  }
  if (await anyKey(ctx, stateKey.choice(region, fromSeconds), endOfKeys.choices(region))) {
    throw new Refusal('ALREADY_CHOSEN', 'the control center has chosen a header that is not sealed yet: seal it first');
  }
}
