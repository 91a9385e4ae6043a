// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { parseInteger } from '../../protocol/ledger/canonical-json.js';
import type { Header } from '../../protocol/ledger/header.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import { MAXIMUM_SEAL_BYTES, MAXIMUM_SECONDS } from '../../protocol/ledger/limits.js';
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

// What is the same on the three ledgers: pages, in any order and at once, under a header; a seal. Who may replace a
// header, and until when, differs: see `consumption/header.ts` and `provided-header.ts`.

/** @throws Refusal `WRONG_LEDGER` for a header of another kind */
export function requireKind(kind: LedgerKind, header: Header): void {
  if (header.kind !== kind) {
    throw new Refusal('WRONG_LEDGER', `header is not one of ${kind}`);
  }
}

/** The bytes of a committed header. @throws Refusal `HEADER_MISSING` */
export async function requireHeaderBytes(ctx: Context, { region, startSeconds }: LedgerId): Promise<Uint8Array> {
  const bytes = await readState(ctx, stateKey.header(region, startSeconds));
  if (bytes === undefined) {
    throw new Refusal('HEADER_MISSING', 'this interval has no header yet');
  }
  return bytes;
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

/** The header's entry for a page. @throws Refusal `PAGE_MISMATCH` */
export function requireEntry(header: Header, page: number): PageEntry {
  const entry = header.pages[page];
  if (entry === undefined) {
    throw new Refusal('PAGE_MISMATCH', `the header announces ${header.pages.length} pages`);
  }
  return entry;
}

/** Writes a page that was checked. */
export async function writePage(ctx: Context, header: Header, page: number, rows: Uint8Array): Promise<void> {
  const { region, startSeconds } = header.ledgerId;
  await ctx.stub.putState(stateKey.page(region, startSeconds, page), rows);
  emit(ctx, 'PutPage', { kind: header.kind, region, startSeconds, page });
}

/** All pages of a header. @throws Refusal `PAGES_MISSING` */
export async function requirePages(ctx: Context, header: Header): Promise<Uint8Array[]> {
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

/** Computes the expected seal of an interval that may be sealed. */
export type SealExpectation = (ledgerId: LedgerId) => Promise<{ context: IntervalContext; content: SealContent }>;

/**
 * The whole transaction `PutSeal`.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `CONFLICT`, and as `expect`
 * @throws ProtocolError `SEAL_MISMATCH`, `SEAL_CHAIN`, `BAD_SIGNATURE`, and as `decodeSignedSeal`
 */
export async function putSeal(ctx: Context, json: string, expect: SealExpectation): Promise<void> {
  requireControlCenter(ctx);
  const bytes = jsonArgument(json, MAXIMUM_SEAL_BYTES);
  const signed = decodeSignedSeal(bytes);
  const { kind, ledgerId } = signed.seal;
  const { region, startSeconds } = ledgerId;
  const key = stateKey.seal(region, startSeconds);
  if (await isCommitted(ctx, key, bytes, 'seal')) {
    return;
  }
  const { context, content } = await expect(ledgerId);
  checkSeal(sodiumCrypto, signed, content, await latestSeal(ctx, region), context);
  await ctx.stub.putState(key, bytes);
  await ctx.stub.putState(stateKey.latestSeal(region), new TextEncoder().encode(String(startSeconds)));
  emit(ctx, 'PutSeal', { kind, region, startSeconds });
}

/** Start of the newest sealed interval of a region, undefined before the first. */
export async function latestStart(ctx: Context, region: string): Promise<number | undefined> {
  const latest = await readState(ctx, stateKey.latestSeal(region));
  return latest && parseInteger(asText(latest), 0, MAXIMUM_SECONDS);
}

/** @throws Refusal `ALREADY_SEALED` */
export async function requireUnsealed(ctx: Context, { region, startSeconds }: LedgerId): Promise<void> {
  if ((await readState(ctx, stateKey.seal(region, startSeconds))) !== undefined) {
    throw new Refusal('ALREADY_SEALED', 'this interval is sealed');
  }
}

async function latestSeal(ctx: Context, region: string): Promise<Seal | undefined> {
  const startSeconds = await latestStart(ctx, region);
  if (startSeconds === undefined) {
    return undefined;
  }
  const bytes = await readState(ctx, stateKey.seal(region, startSeconds));
  return bytes && decodeSignedSeal(bytes).seal;
}
