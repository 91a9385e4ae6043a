// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { asciiBytes } from '../../protocol/crypto/bytes.js';
import { DIGEST_LENGTH } from '../../protocol/crypto/crypto.js';
import { parseInteger, readHex } from '../../protocol/ledger/canonical-json.js';
import { MAXIMUM_EPOCH } from '../../protocol/crypto/ggm.js';
import { checkRegion, type LedgerId } from '../../protocol/ledger/ledger-id.js';
import { MAXIMUM_PAGES, MAXIMUM_PARAMETER_VERSIONS, MAXIMUM_SECONDS } from '../../protocol/ledger/limits.js';
import { Refusal } from './refusal.js';

/** @throws Refusal `BAD_ARGUMENT` */
export function regionArgument(text: string): string {
  return argument('region', () => checkRegion(text));
}

/** The interval that two arguments name. @throws Refusal `BAD_ARGUMENT` */
export function ledgerIdArgument(region: string, startSeconds: string): LedgerId {
  return {
    region: regionArgument(region),
    startSeconds: argument('startSeconds', () => parseInteger(startSeconds, 0, MAXIMUM_SECONDS)),
  };
}

/** A page's number, from 0. @throws Refusal `BAD_ARGUMENT` */
export function pageArgument(text: string): number {
  return argument('page', () => parseInteger(text, 0, MAXIMUM_PAGES - 1));
}

/** A registry epoch. @throws Refusal `BAD_ARGUMENT` */
export function epochArgument(text: string): number {
  return argument('epoch', () => parseInteger(text, 0, MAXIMUM_EPOCH));
}

/** A version of the parameters, from 1. @throws Refusal `BAD_ARGUMENT` */
export function versionArgument(text: string): number {
  return argument('version', () => parseInteger(text, 1, MAXIMUM_PARAMETER_VERSIONS));
}

/** A digest of 32 bytes, in hex. @throws Refusal `BAD_ARGUMENT` */
export function digestArgument(name: string, text: string): Uint8Array {
  return argument(name, () => readHex(text, DIGEST_LENGTH));
}

/**
 * The bytes of a JSON argument, bounded before anything is made of them; whether they are canonical is the codec's
 * business.
 *
 * @throws Refusal `BAD_ARGUMENT`
 */
export function jsonArgument(text: string, maximumLength: number): Uint8Array {
  if (text.length > maximumLength) {
    throw new Refusal('BAD_ARGUMENT', `JSON has at most ${maximumLength} bytes`);
  }
  return argument('JSON', () => asciiBytes(text));
}

/**
 * A field of the transient map, which the peer keeps out of the block. The bytes are the map's own, so wiping them
 * wipes what the shim handed out.
 *
 * @param maximumLength bytes
 * @throws Refusal `MISSING_TRANSIENT`, `BAD_ARGUMENT`
 */
export function transientField(ctx: Context, name: string, maximumLength: number): Uint8Array {
  const field = ctx.stub.getTransient().get(name);
  if (field === undefined || field.length === 0) {
    throw new Refusal('MISSING_TRANSIENT', `the transient field ${name} is missing`);
  }
  if (field.length > maximumLength) {
    throw new Refusal('BAD_ARGUMENT', `the transient field ${name} has at most ${maximumLength} bytes`);
  }
  return field;
}

function argument<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Refusal('BAD_ARGUMENT', `the argument ${name} is malformed`, { cause });
  }
}
