// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { encodeCanonical, type JsonObject } from '../../protocol/ledger/canonical-json.js';
import { Refusal } from './refusal.js';

/** A value of world state; undefined when it is absent, which the ledger shows as no bytes. */
export async function readState(ctx: Context, key: string): Promise<Uint8Array | undefined> {
  const value = await ctx.stub.getState(key);
  return value.length > 0 ? value : undefined;
}

/** @throws Refusal `NOT_FOUND` */
export async function requireState(ctx: Context, key: string, what: string): Promise<Uint8Array> {
  const value = await readState(ctx, key);
  if (value === undefined) {
    throw new Refusal('NOT_FOUND', `there is no ${what}`);
  }
  return value;
}

/**
 * Tells whether these very bytes are committed already, for values that are written once, so that a repeated
 * transaction succeeds and writes nothing.
 *
 * @throws Refusal `CONFLICT` when other bytes are committed
 */
export async function isCommitted(ctx: Context, key: string, bytes: Uint8Array, what: string): Promise<boolean> {
  const value = await readState(ctx, key);
  if (value === undefined) {
    return false;
  }
  if (!equalBytes(value, bytes)) {
    throw new Refusal('CONFLICT', `another ${what} is already committed`);
  }
  return true;
}

/** Tells whether a range has any key. The peer validates the range at commit. @param end excluded */
export async function anyKey(ctx: Context, start: string, end: string): Promise<boolean> {
  const iterator = await ctx.stub.getStateByRange(start, end);
  try {
    return !(await iterator.next()).done;
  } finally {
    await iterator.close();
  }
}

/** The one event of a transaction: its name, and public facts only. */
export function emit(ctx: Context, transaction: string, facts: JsonObject): void {
  ctx.stub.setEvent(transaction, encodeCanonical(facts));
}

/** Stored canonical JSON (ASCII) as the text that a query returns. */
export function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
