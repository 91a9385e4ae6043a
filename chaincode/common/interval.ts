// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { parseInteger } from '../../protocol/ledger/canonical-json.js';
import { decodeHeader, type Header } from '../../protocol/ledger/header.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import { MAXIMUM_HEADER_BYTES, MAXIMUM_SEAL_BYTES, MAXIMUM_SECONDS } from '../../protocol/ledger/limits.js';
import type { PageEntry } from '../../protocol/ledger/page.js';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { decodeSignedSeal, type Seal } from '../../protocol/ledger/seal.js';
import { checkSeal, type SealContent } from '../../protocol/rules/check-seal.js';
import type { IntervalContext } from '../../protocol/rules/interval-context.js';
import { jsonArgument } from './arguments.js';
import { requireControlCenter } from './caller.js';
import { Refusal } from './refusal.js';
import { asText, emit, readState, isCommitted } from './state.js';
import { stateKey } from './state-keys.js';

// The life of an interval, the same on the three ledgers: a header, which may be replaced until a page is committed;
// its pages, in any order and at once; a seal. The contracts decide who may write and what is valid.

/** Value of `started`: any bytes will do, but an empty value would be a delete. */
const STARTED = Uint8Array.of(1);

/** A header as it was sent. */
export interface HeaderArgument {
  readonly header: Header;
  readonly bytes: Uint8Array;
}

/** @throws Refusal `BAD_ARGUMENT`, `WRONG_LEDGER` for a header of another kind; ProtocolError as `decodeHeader` */
export function headerArgument(kind: LedgerKind, json: string): HeaderArgument {
  const bytes = jsonArgument(json, MAXIMUM_HEADER_BYTES);
  const header = decodeHeader(bytes);
  if (header.kind !== kind) {
    throw new Refusal('WRONG_LEDGER', `header is not one of ${kind}`);
  }
  return { header, bytes };
}

/**
 * Tells whether this very header is committed already.
 *
 * @throws Refusal `ALREADY_SEALED`, `ALREADY_STARTED` when the header can no longer be replaced
 */
export async function isHeaderCommitted(ctx: Context, { header, bytes }: HeaderArgument): Promise<boolean> {
  const { region, startSeconds } = header.ledgerId;
  const present = await readState(ctx, stateKey.header(region, startSeconds));
  if (present !== undefined && equalBytes(present, bytes)) {
    return true;
  }
  await requireUnsealed(ctx, header.ledgerId);
  if ((await readState(ctx, stateKey.started(region, startSeconds))) !== undefined) {
    throw new Refusal('ALREADY_STARTED', 'a page of this interval is committed, so its header cannot change');
  }
  return false;
}

/** Writes a header that was checked. */
export async function writeHeader(ctx: Context, { header, bytes }: HeaderArgument): Promise<void> {
  const { region, startSeconds } = header.ledgerId;
  await ctx.stub.putState(stateKey.header(region, startSeconds), bytes);
  emit(ctx, 'PutHeader', { kind: header.kind, region, startSeconds });
}

/**
 * Tells whether this page is committed already with these very rows.
 *
 * @throws Refusal `ALREADY_SEALED`, `CONFLICT`
 */
export async function isPageCommitted(
  ctx: Context,
  ledgerId: LedgerId,
  page: number,
  rows: Uint8Array,
): Promise<boolean> {
  const present = await readState(ctx, stateKey.page(ledgerId.region, ledgerId.startSeconds, page));
  if (present !== undefined && equalBytes(present, rows)) {
    return true;
  }
  // Also for a valid page: the seal is in the read set, so a page that loses the race is invalidated (MVCC conflict).
  await requireUnsealed(ctx, ledgerId);
  if (present !== undefined) {
    throw new Refusal('CONFLICT', 'this page is already committed with other rows');
  }
  return false;
}

/** The header and its entry for a page. @throws Refusal `HEADER_MISSING`, `PAGE_MISMATCH` */
export async function requireEntry(
  ctx: Context,
  ledgerId: LedgerId,
  page: number,
): Promise<{ header: Header; entry: PageEntry }> {
  const header = await requireHeader(ctx, ledgerId);
  const entry = header.pages[page];
  if (entry === undefined) {
    throw new Refusal('PAGE_MISMATCH', `the header announces ${header.pages.length} pages`);
  }
  return { header, entry };
}

/** Writes a page that was checked. */
export async function writePage(ctx: Context, header: Header, page: number, rows: Uint8Array): Promise<void> {
  const { region, startSeconds } = header.ledgerId;
  await ctx.stub.putState(stateKey.page(region, startSeconds, page), rows);
  await ctx.stub.putState(stateKey.started(region, startSeconds), STARTED);
  emit(ctx, 'PutPage', { kind: header.kind, region, startSeconds, page });
}

/** Computes the expected seal of an interval whose pages are all committed. */
export type SealExpectation = (
  header: Header,
  pages: readonly Uint8Array[],
) => Promise<{ context: IntervalContext; content: SealContent }>;

/**
 * The whole transaction `PutSeal`.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `CONFLICT`, `HEADER_MISSING`, `PAGES_MISSING`
 * @throws ProtocolError `SEAL_MISMATCH`, `SEAL_CHAIN`, `BAD_SIGNATURE`, and as `decodeSignedSeal`
 */
export async function putSeal(ctx: Context, json: string, expect: SealExpectation): Promise<void> {
  requireControlCenter(ctx);
  const bytes = jsonArgument(json, MAXIMUM_SEAL_BYTES);
  const signed = decodeSignedSeal(bytes);
  const { region, startSeconds } = signed.seal.ledgerId;
  const key = stateKey.seal(region, startSeconds);
  if (await isCommitted(ctx, key, bytes, 'seal')) {
    return;
  }
  const header = await requireHeader(ctx, signed.seal.ledgerId);
  const pages = await requirePages(ctx, header);
  const { context, content } = await expect(header, pages);
  checkSeal(sodiumCrypto, signed, content, await latestSeal(ctx, region), context);
  await ctx.stub.putState(key, bytes);
  await ctx.stub.putState(stateKey.latestSeal(region), new TextEncoder().encode(String(startSeconds)));
  emit(ctx, 'PutSeal', { kind: header.kind, region, startSeconds });
}

/** Start of the newest sealed interval of a region, undefined before the first. */
export async function latestStart(ctx: Context, region: string): Promise<number | undefined> {
  const latest = await readState(ctx, stateKey.latestSeal(region));
  return latest && parseInteger(asText(latest), 0, MAXIMUM_SECONDS);
}

async function latestSeal(ctx: Context, region: string): Promise<Seal | undefined> {
  const startSeconds = await latestStart(ctx, region);
  if (startSeconds === undefined) {
    return undefined;
  }
  const bytes = await readState(ctx, stateKey.seal(region, startSeconds));
  return bytes && decodeSignedSeal(bytes).seal;
}

async function requireUnsealed(ctx: Context, { region, startSeconds }: LedgerId): Promise<void> {
  if ((await readState(ctx, stateKey.seal(region, startSeconds))) !== undefined) {
    throw new Refusal('ALREADY_SEALED', 'this interval is sealed');
  }
}

async function requireHeader(ctx: Context, { region, startSeconds }: LedgerId): Promise<Header> {
  const bytes = await readState(ctx, stateKey.header(region, startSeconds));
  if (bytes === undefined) {
    throw new Refusal('HEADER_MISSING', 'this interval has no header yet');
  }
  return decodeHeader(bytes);
}

async function requirePages(ctx: Context, header: Header): Promise<Uint8Array[]> {
  const { region, startSeconds } = header.ledgerId;
  const pages: Uint8Array[] = [];
  for (let page = 0; page < header.pages.length; page++) {
    const rows = await readState(ctx, stateKey.page(region, startSeconds, page));
    if (rows === undefined) {
      throw new Refusal('PAGES_MISSING', `page ${page} is not on the ledger`);
    }
    pages.push(rows);
  }
  return pages;
}
