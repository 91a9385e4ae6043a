// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { parseInteger } from '../../protocol/ledger/canonical-json.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import type { LedgerKind, ProvidedKind } from '../../protocol/ledger/row.js';
import {
  decodeSignedHeader,
  MAXIMUM_SIGNED_HEADER_BYTES,
  type SignedHeader,
  signedHeaderDigest,
} from '../../protocol/ledger/signed-header.js';
import { checkPageEntry } from '../../protocol/rules/check-page.js';
import { checkHeaderSignature } from '../../protocol/rules/service-provider-signature.js';
import { digestArgument, jsonArgument, ledgerIdArgument } from './arguments.js';
import { readBasis } from './basis.js';
import { requireControlCenter } from './caller.js';
import {
  isPageCommitted,
  requireEntry,
  requireHeaderBytes,
  requireKind,
  requirePages,
  requireUnsealed,
  writePage,
} from './interval.js';
import { Refusal } from './refusal.js';
import { asText, emit, isCommitted, readState } from './state.js';
import { stateKey } from './state-keys.js';

// The service provider's header, on pricing and billing. It can be replaced, with all its pages, until the control
// center has chosen it: so a header whose pages can never be right blocks nothing. Once the choice is committed neither
// header nor pages change, and the control center can sign.

/**
 * Replacements of one header until the control center reopens it. A service provider that retries after a fault needs
 * one or two; each may delete 400 pages and write a header of 300 kB to the chain, so they are bounded.
 */
export const MAXIMUM_REPLACEMENTS = 16;

/** A header as it was sent. */
export interface SignedHeaderArgument {
  readonly signed: SignedHeader;
  readonly bytes: Uint8Array;
}

/** @throws Refusal `BAD_ARGUMENT`, `WRONG_LEDGER` for a header of another kind; ProtocolError as `decodeSignedHeader` */
export function signedHeaderArgument(kind: LedgerKind, json: string): SignedHeaderArgument {
  const bytes = jsonArgument(json, MAXIMUM_SIGNED_HEADER_BYTES);
  const signed = decodeSignedHeader(bytes);
  requireKind(kind, signed.header);
  return { signed, bytes };
}

/** The committed header with its signature. @throws Refusal `HEADER_MISSING` */
export async function requireSignedHeader(ctx: Context, ledgerId: LedgerId): Promise<SignedHeader> {
  return decodeSignedHeader(await requireHeaderBytes(ctx, ledgerId));
}

/**
 * The transaction `PutHeader` of the service provider, after the caller was checked: writes a header, or replaces the
 * committed one and deletes its pages. A page that was endorsed under the replaced header is invalidated (it read it).
 *
 * @param check refuses a header that is wrong; not run for one that is committed already
 * @throws Refusal `ALREADY_SEALED`, `ALREADY_CHOSEN`, `TOO_MANY_REPLACEMENTS`, and as `check`
 */
export async function putSignedHeader(
  ctx: Context,
  { signed, bytes }: SignedHeaderArgument,
  check: () => void | Promise<void>,
): Promise<void> {
  const { kind, ledgerId } = signed.header;
  const { region, startSeconds } = ledgerId;
  const key = stateKey.header(region, startSeconds);
  const present = await readState(ctx, key);
  if (present !== undefined && equalBytes(present, bytes)) {
    return;
  }
  await requireUnsealed(ctx, ledgerId);
  await requireNoChoice(ctx, ledgerId);
  await check();
  if (present !== undefined) {
    await countReplacement(ctx, ledgerId);
    const { pages } = decodeSignedHeader(present).header;
    // Without reading them: a page that comes at the same time is deleted as well and conflicts with nothing.
    for (let page = 0; page < pages.length; page++) {
      await ctx.stub.deleteState(stateKey.page(region, startSeconds, page));
    }
  }
  await ctx.stub.putState(key, bytes);
  emit(ctx, 'PutHeader', { kind, region, startSeconds });
}

/** A page as it was sent. */
export interface PageArgument {
  readonly ledgerId: LedgerId;
  /** From 0. */
  readonly number: number;
  readonly rows: Uint8Array;
}

/**
 * The transaction `PutPage` of the service provider, after the caller was checked: writes a page that fits its entry in
 * the header.
 *
 * @param check refuses rows that are wrong; not run for a page that is committed already
 * @throws Refusal `ALREADY_SEALED`, `CONFLICT`, `HEADER_MISSING`, `PAGE_MISMATCH`, and as `check`
 */
export async function putProvidedPage(
  ctx: Context,
  { ledgerId, number, rows }: PageArgument,
  check: () => void | Promise<void>,
): Promise<void> {
  if (await isPageCommitted(ctx, ledgerId, number, rows)) {
    return;
  }
  const { header } = await requireSignedHeader(ctx, ledgerId);
  checkPageEntry(sodiumCrypto, rows, requireEntry(header, number));
  await check();
  await writePage(ctx, header, number, rows);
}

/**
 * The transaction `PutChoice`: the control center has verified this header and all its pages.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `CONFLICT` when another one is chosen, `HEADER_MISSING`,
 *   `HEADER_REPLACED`, `PAGES_MISSING`; ProtocolError `BAD_SIGNATURE` when its service provider was replaced since
 */
export async function putChoice(
  ctx: Context,
  kind: ProvidedKind,
  { region, start, chosenDigest }: Readonly<Record<'region' | 'start' | 'chosenDigest', string>>,
): Promise<void> {
  requireControlCenter(ctx);
  const ledgerId = ledgerIdArgument(region, start);
  const digest = digestArgument('chosenDigest', chosenDigest);
  const key = stateKey.choice(ledgerId.region, ledgerId.startSeconds);
  if (await isCommitted(ctx, key, digest, 'choice')) {
    return;
  }
  const signed = await requireSignedHeader(ctx, ledgerId);
  if (!equalBytes(signedHeaderDigest(sodiumCrypto, signed), digest)) {
    throw new Refusal('HEADER_REPLACED', 'the committed header is not the one that is chosen');
  }
  await requirePages(ctx, signed.header);
  const { seal, context } = await readBasis(ctx, kind === 'pricing' ? 'consumption' : 'pricing', ledgerId);
  checkHeaderSignature(sodiumCrypto, signed, context, seal);
  await ctx.stub.putState(key, digest);
  emit(ctx, 'PutChoice', { kind: signed.header.kind, ...ledgerId });
}

/**
 * The header that was chosen, which is the committed one: after a choice it does not change.
 *
 * @throws Refusal `HEADER_MISSING`, `NOT_CHOSEN`
 */
export async function requireChosenHeader(ctx: Context, ledgerId: LedgerId): Promise<SignedHeader> {
  const signed = await requireSignedHeader(ctx, ledgerId);
  if ((await readState(ctx, stateKey.choice(ledgerId.region, ledgerId.startSeconds))) === undefined) {
    throw new Refusal('NOT_CHOSEN', 'no header of this interval is chosen yet');
  }
  return signed;
}

/**
 * The transaction `ReopenHeader`: the service provider may replace its header another 16 times. It writes only when
 * none is left, so that a repetition gives nothing more.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `ALREADY_CHOSEN`
 */
export async function reopenHeader(ctx: Context, kind: LedgerKind, region: string, start: string): Promise<void> {
  requireControlCenter(ctx);
  const ledgerId = ledgerIdArgument(region, start);
  await requireNoChoice(ctx, ledgerId);
  if ((await readReplacements(ctx, ledgerId)) < MAXIMUM_REPLACEMENTS) {
    return;
  }
  await ctx.stub.deleteState(stateKey.replacements(ledgerId.region, ledgerId.startSeconds));
  emit(ctx, 'ReopenHeader', { kind, ...ledgerId });
}

async function requireNoChoice(ctx: Context, { region, startSeconds }: LedgerId): Promise<void> {
  if ((await readState(ctx, stateKey.choice(region, startSeconds))) !== undefined) {
    throw new Refusal('ALREADY_CHOSEN', 'the control center has chosen a header of this interval');
  }
}

async function countReplacement(ctx: Context, ledgerId: LedgerId): Promise<void> {
  const replacements = await readReplacements(ctx, ledgerId);
  if (replacements >= MAXIMUM_REPLACEMENTS) {
    const reason = `this header was replaced ${replacements} times; the control center can reopen it`;
    throw new Refusal('TOO_MANY_REPLACEMENTS', reason);
  }
  const key = stateKey.replacements(ledgerId.region, ledgerId.startSeconds);
  await ctx.stub.putState(key, new TextEncoder().encode(String(replacements + 1)));
}

async function readReplacements(ctx: Context, { region, startSeconds }: LedgerId): Promise<number> {
  const bytes = await readState(ctx, stateKey.replacements(region, startSeconds));
  return bytes === undefined ? 0 : parseInteger(asText(bytes), 1, MAXIMUM_REPLACEMENTS);
}
