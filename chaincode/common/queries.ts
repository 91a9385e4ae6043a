// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { toHex } from '../../protocol/crypto/bytes.js';
import { encodeCanonical } from '../../protocol/ledger/canonical-json.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { decodeRow, type LedgerKind } from '../../protocol/ledger/row.js';
import { ledgerIdArgument, pageArgument, regionArgument } from './arguments.js';
import { latestStart } from './interval.js';
import { Refusal } from './refusal.js';
import { asText, requireState } from './state.js';
import { stateKey } from './state-keys.js';

// The queries that all three contracts have. They name an interval or a page, never a pseudonym. JSON is canonical;
// what was written as JSON is returned unchanged.

/** The header of an interval. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getHeader(ctx: Context, region: string, start: string): Promise<string> {
  const ledgerId = ledgerIdArgument(region, start);
  return asText(await requireState(ctx, stateKey.header(ledgerId.region, ledgerId.startSeconds), 'such header'));
}

/** The rows of a page, 177 bytes each. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export function getPageRows(ctx: Context, region: string, start: string, page: string): Promise<Uint8Array> {
  const ledgerId = ledgerIdArgument(region, start);
  return requireState(ctx, stateKey.page(ledgerId.region, ledgerId.startSeconds, pageArgument(page)), 'such page');
}

/** The rows of a page, field by field. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getPage(
  ctx: Context,
  kind: LedgerKind,
  { region, start, page }: Readonly<Record<'region' | 'start' | 'page', string>>,
): Promise<string> {
  const rows = splitRows(await getPageRows(ctx, region, start, page)).map((bytes) => {
    const row = decodeRow(bytes);
    return {
      pseudonym: toHex(row.pseudonym),
      timeSeconds: row.timeSeconds,
      value: row.value.toString(),
      signaturePublicKey: toHex(row.signaturePublicKey),
      signature: toHex(row.signature),
    };
  });
  const { startSeconds } = ledgerIdArgument(region, start);
  return asText(encodeCanonical({ kind, region, startSeconds, page: pageArgument(page), rows }));
}

/** The signed seal of an interval. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getSeal(ctx: Context, region: string, start: string): Promise<string> {
  const ledgerId = ledgerIdArgument(region, start);
  return asText(await requireState(ctx, stateKey.seal(ledgerId.region, ledgerId.startSeconds), 'such seal'));
}

/** The signed seal of the newest sealed interval. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getLatestSeal(ctx: Context, region: string): Promise<string> {
  const startSeconds = await latestStart(ctx, regionArgument(region));
  if (startSeconds === undefined) {
    throw new Refusal('NOT_FOUND', 'no interval of this region is sealed');
  }
  return getSeal(ctx, region, String(startSeconds));
}
