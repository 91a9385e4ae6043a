// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { decodeHeader, type Header } from '../../protocol/ledger/header.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import { MAXIMUM_HEADER_BYTES } from '../../protocol/ledger/limits.js';
import { jsonArgument } from '../common/arguments.js';
import { requireHeaderBytes, requireKind, requireUnsealed } from '../common/interval.js';
import { Refusal } from '../common/refusal.js';
import { emit, readState } from '../common/state.js';
import { stateKey } from '../common/state-keys.js';

// The control center's header: it can be replaced until a page is committed, because a page publishes rows.

/** Value of `started`: any bytes will do, but an empty value would be a delete. */
const STARTED = Uint8Array.of(1);

/** A header as it was sent. */
export interface HeaderArgument {
  readonly header: Header;
  readonly bytes: Uint8Array;
}

/** @throws Refusal `BAD_ARGUMENT`, `WRONG_LEDGER` for a header of another kind; ProtocolError as `decodeHeader` */
export function headerArgument(json: string): HeaderArgument {
  const bytes = jsonArgument(json, MAXIMUM_HEADER_BYTES);
  const header = decodeHeader(bytes);
  requireKind('consumption', header);
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

/** The committed header. @throws Refusal `HEADER_MISSING` */
export async function requireHeader(ctx: Context, ledgerId: LedgerId): Promise<Header> {
  return decodeHeader(await requireHeaderBytes(ctx, ledgerId));
}

/** Fixes the header: one of its pages is written. */
export async function markStarted(ctx: Context, { region, startSeconds }: LedgerId): Promise<void> {
  await ctx.stub.putState(stateKey.started(region, startSeconds), STARTED);
}
